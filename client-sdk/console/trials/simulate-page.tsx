import type { JSX } from 'react'
import { SimulateDocument } from '../generated/operations.ts'
import { Page } from '../page.tsx'
import type { Route } from '../route.ts'
import { useSession } from '../session.ts'
import { NotifierPicker } from './notifier-picker.tsx'
import { Simulated } from './simulated.tsx'
import { TrialFault } from './trial-fault.tsx'
import { useTrial } from './use-trial.ts'

const listOf = (text: FormDataEntryValue | null): string[] =>
  String(text ?? '')
    .split(/[\s,]+/)
    .filter(Boolean)

/** What would happen if something were triggered: for each recipient and channel, decided as a trigger decides it. */
export const SimulatePage = ({ route }: { readonly route: Route }): JSX.Element => {
  const { client } = useSession()
  const trial = useTrial(route.parameters['key'], async (form, tried) => {
    const at = String(form.get('at') ?? '')
    const actor = String(form.get('actor') ?? '').trim()
    const { simulateTrigger } = await client.request(SimulateDocument, {
      input: {
        ...tried,
        recipients: listOf(form.get('recipients')).map((id) => ({ id })),
        topics: listOf(form.get('topics')),
        ...(actor && { actorId: actor }),
        ...(at && { at: new Date(at).toISOString() }),
      },
    })
    return simulateTrigger
  })

  return (
    <Page title="Simulate" lead="Nothing is written, and nothing is sent.">
      <div className="two trial-and-result">
        <form className="trial" onSubmit={trial.submit}>
          <NotifierPicker chosen={trial.notifier} onChoose={trial.choose} />
          <label>
            Payload
            <textarea
              rows={10}
              spellCheck={false}
              value={trial.payload}
              onChange={({ target }) => trial.setPayload(target.value)}
            />
          </label>
          <label>
            Recipients, beside those whom the notifier names
            <input name="recipients" placeholder="ids, with commas between" autoComplete="off" spellCheck={false} />
          </label>
          <label>
            Topics
            <input name="topics" placeholder="keys, with commas between" autoComplete="off" spellCheck={false} />
          </label>
          <label>
            Caused by
            <input name="actor" placeholder="who is not told of their own act" autoComplete="off" spellCheck={false} />
          </label>
          <label>
            At, in your own time zone
            <input name="at" type="datetime-local" step={60} />
          </label>
          <button type="submit" className="primary">
            Simulate
          </button>
          <TrialFault fault={trial.fault} />
        </form>
        <section aria-live="polite" aria-label="What would happen">
          {trial.result ? (
            <Simulated simulation={trial.result} />
          ) : (
            <p className="nothing">What would happen shows here.</p>
          )}
        </section>
      </div>
    </Page>
  )
}
