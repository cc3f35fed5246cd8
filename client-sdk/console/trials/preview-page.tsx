import type { JSX } from 'react'
import { PreviewDocument } from '../generated/operations.ts'
import { Page } from '../page.tsx'
import type { Route } from '../route.ts'
import { useSession } from '../session.ts'
import { NotifierPicker } from './notifier-picker.tsx'
import { Rendered } from './rendered.tsx'
import { TrialFault } from './trial-fault.tsx'
import { useTrial } from './use-trial.ts'

/** What one channel would say to one recipient, made by the code that makes the real thing. */
export const PreviewPage = ({ route }: { readonly route: Route }): JSX.Element => {
  const { client } = useSession()
  const trial = useTrial(route.parameters['key'], async (form, tried) => {
    const [displayName, locale] = ['name', 'locale'].map((name) => String(form.get(name) ?? '').trim())
    const { previewRendering } = await client.request(PreviewDocument, {
      input: {
        ...tried,
        channel: String(form.get('channel')),
        recipient: {
          id: String(form.get('recipient')).trim(),
          ...(displayName && { displayName }),
          ...(locale && { locale }),
        },
      },
    })
    return previewRendering
  })

  return (
    <Page title="Preview" lead="Nothing is written, and nothing is sent.">
      <div className="two trial-and-result">
        <form className="trial" onSubmit={trial.submit}>
          <NotifierPicker chosen={trial.notifier} onChoose={trial.choose} />
          <label>
            Channel
            <select name="channel" key={trial.notifier?.key}>
              {trial.notifier?.channels
                .toSorted((a) => (a === 'email' ? -1 : 0))
                .map((channel) => (
                  <option key={channel}>{channel}</option>
                ))}
            </select>
          </label>
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
            Recipient
            <input name="recipient" defaultValue="bob" required autoComplete="off" spellCheck={false} />
          </label>
          <label>
            Name, in place of the stored one
            <input name="name" autoComplete="off" />
          </label>
          <label>
            Language, in place of the stored one
            <input name="locale" placeholder="en, de-AT" autoComplete="off" spellCheck={false} />
          </label>
          <button type="submit" className="primary">
            Preview
          </button>
          <TrialFault fault={trial.fault} />
        </form>
        <section aria-live="polite" aria-label="What it would look like">
          {trial.result ? (
            <Rendered preview={trial.result} />
          ) : (
            <p className="nothing">What it would look like shows here.</p>
          )}
        </section>
      </div>
    </Page>
  )
}
