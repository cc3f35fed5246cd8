import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { advance, newRun } from '../../../server/core/workflow/advance.ts'
import { WORKFLOW_OUTCOMES, type WorkflowDefinition } from '../../../server/core/workflow/definition.ts'
import { deliverySignal, eventsOfEnd, notificationSignal } from '../../../server/core/workflow/ending.ts'
import { isOver, type Run, type RunEvent } from '../../../server/core/workflow/run.ts'
import { arbitraryWorkflow, HOST_SIGNALS } from '../../support/arbitrary-workflow.ts'

const NOON = new Date('2026-01-15T12:00:00.000Z')
const HOUR = 3_600_000
const plus = (ms: number): Date => new Date(NOON.getTime() + ms)

const DUNNING: WorkflowDefinition = {
  key: 'dunning',
  version: 1,
  steps: [
    {
      key: 'tell',
      channel: 'in_app',
      next: [{ wait: '1h', signals: ['paid', 'notification.read'], onSignal: 'stop', onTimeout: 'remind' }],
    },
    {
      key: 'remind',
      channel: 'email',
      next: [
        { on: ['bounced'], to: 'call' },
        { when: 'large', to: 'call' },
        { wait: '1h', signals: ['paid', 'delivery.bounced'], onSignal: 'call', onTimeout: 'stop' },
      ],
    },
    { key: 'call', channel: 'pager', next: [] },
  ],
}

/** Plans every step as `d-<step>`, and answers where the run has come to, with the steps that were planned. */
const played = (
  events: readonly (readonly [RunEvent, Date?])[],
  {
    conditions = { large: false },
    from = newRun(DUNNING, conditions),
  }: { conditions?: Record<string, boolean>; from?: Run } = {},
): { readonly run: Run; readonly planned: readonly string[]; readonly reasons: readonly string[] } => {
  const planned: string[] = []
  const reasons: string[] = []
  let run = from
  const rest = [...events]
  for (let one = rest.shift(); one; one = rest.shift()) {
    const [event, now = NOON] = one
    const [next, effects] = advance(DUNNING, run, event, now)
    run = next
    for (const effect of effects) {
      if (effect.kind === 'record') reasons.push(effect.transition.reason)
      else {
        planned.push(effect.stepKey)
        rest.unshift([{ kind: 'planned', stepKey: effect.stepKey, deliveryId: `d-${effect.stepKey}` }, now])
      }
    }
  }
  return { run, planned, reasons }
}

const START: RunEvent = { kind: 'started' }
const ended = (stepKey: string, outcome: (typeof WORKFLOW_OUTCOMES)[number] = 'delivered'): RunEvent => ({
  kind: 'ended',
  deliveryId: `d-${stepKey}`,
  outcome,
  suppressionReason: null,
})
const signal = (name: string): RunEvent => ({ kind: 'signal', name, signalId: 'x' })
const WAKE: RunEvent = { kind: 'wake' }

describe('a run', () => {
  test('begins with its first step, and waits from when that has ended', () => {
    const { run, planned } = played([[START], [ended('tell'), plus(5)]])
    expect(planned).toEqual(['tell'])
    expect(run).toMatchObject({ state: 'waiting', stepKey: 'tell', waitingUntil: plus(HOUR + 5) })
  })

  test('takes the first rule that fits, and is completed where none does', () => {
    expect(played([[START], [ended('tell')], [WAKE, plus(HOUR)], [ended('remind', 'bounced')]]).planned).toEqual([
      'tell',
      'remind',
      'call',
    ])
    const large = played([[START], [ended('tell')], [WAKE, plus(HOUR)], [ended('remind')]], {
      conditions: { large: true },
    })
    expect(large.run).toMatchObject({ stepKey: 'call', deliveryId: 'd-call' })
    expect(played([[ended('call')]], { from: large.run }).run).toMatchObject({
      state: 'completed',
      statusReason: 'workflow_completed',
    })
  })

  test('is woken when its wait is over and not a moment before', () => {
    const waiting = played([[START], [ended('tell')]]).run
    expect(played([[WAKE, plus(HOUR - 1)]], { from: waiting }).run).toEqual(waiting)
    expect(played([[WAKE, plus(HOUR)]], { from: waiting }).planned).toEqual(['remind'])
  })

  test('is ended for good by a signal that stops it', () => {
    const { run } = played([[START], [ended('tell')], [signal('paid'), plus(1)]])
    expect(run).toMatchObject({ state: 'stopped', waitingUntil: null, waitingFor: [] })
    expect(played([[WAKE, plus(HOUR)], [ended('tell')], [signal('paid')], [START]], { from: run }).run).toEqual(run)
  })

  test('counts a signal that came early when it waits for it, and a signal once', () => {
    const early = played([[START], [signal('paid')]]).run
    expect(early).toMatchObject({ state: 'active', heard: [{ name: 'paid' }] })
    expect(played([[ended('tell')]], { from: early }).run).toMatchObject({ state: 'stopped', heard: [] })
    // The second of two is left for the next wait.
    const two = played([
      [START],
      [ended('tell')],
      [WAKE, plus(HOUR)],
      [signal('paid')],
      [signal('paid')],
      [ended('remind')],
    ])
    expect(two.run).toMatchObject({ stepKey: 'call', heard: [{ name: 'paid' }] })
  })

  test('hears what is done to its item the first time alone', () => {
    const read = notificationSignal('notification.read')
    const active = played([[START], [read], [read]]).run
    expect([active.heard.length, active.told]).toEqual([1, ['notification.read']])
  })

  test('hears what is said of one delivery once', () => {
    const bounced = deliverySignal('delivery.bounced', 'd-remind')
    const { run } = played([[START], [ended('tell')], [WAKE, plus(HOUR)], [bounced], [bounced]])
    expect(run.heard.map(({ name }) => name)).toEqual(['delivery.bounced'])
  })

  test('does not hear what none of its waits is for', () => {
    const { run } = played([[START]])
    expect(played([[signal('shipped')]], { from: run }).run).toEqual(run)
  })

  test('is not moved by the end of a delivery that is not its present step', () => {
    const { run } = played([[START], [ended('tell')], [WAKE, plus(HOUR)]])
    expect(played([[ended('tell', 'bounced')]], { from: run }).run).toEqual(run)
  })

  test('stops, and says so, where a step cannot be made any more', () => {
    const [run] = advance(DUNNING, newRun(DUNNING, {}), { kind: 'unplannable', stepKey: 'tell' }, NOON)
    expect(run).toMatchObject({ state: 'stopped', statusReason: 'render_missing' })
  })
})

test('what a delivery ends as is told in the words of rules', () => {
  const events = (
    status: 'succeeded' | 'cancelled' | 'suppressed' | 'digested' | 'failed',
    suppressionReason: string | null = null,
  ) =>
    eventsOfEnd({ deliveryId: 'd', isStep: true, status, suppressionReason }).map((event) =>
      event.kind === 'ended' ? event.outcome : event.kind === 'signal' ? event.name : event.kind,
    )
  expect(events('succeeded')).toEqual(['delivered', 'delivery.succeeded'])
  expect(events('digested')).toEqual(['delivered'])
  expect(events('suppressed', 'channel_disabled')).toEqual(['suppressed'])
  expect(events('cancelled', 'retries_exhausted')).toEqual(['retries_exhausted', 'delivery.failed'])
  expect(events('cancelled', 'permanent_failure')).toEqual(['permanent_failure', 'delivery.failed'])
  expect(events('cancelled', 'bounced')).toEqual(['bounced', 'delivery.bounced'])
  expect(events('cancelled', 'expired')).toEqual(['expired'])
  expect(events('cancelled', 'cancelled_by_operator')).toEqual(['cancelled'])
  expect(events('failed')).toEqual([])
})

const arbitraryEvent = fc.oneof(
  fc.record({
    kind: fc.constant('ended' as const),
    step: fc.nat({ max: 4 }),
    outcome: fc.constantFrom(...WORKFLOW_OUTCOMES),
  }),
  fc.record({ kind: fc.constant('signal' as const), name: fc.constantFrom(...HOST_SIGNALS, 'notification.read') }),
  fc.constant({ kind: 'wake' as const }),
  fc.record({ kind: fc.constant('cancelled' as const), reason: fc.constant('event_cancelled' as const) }),
)
const happening = fc.record({
  event: fc.oneof({ weight: 12, arbitrary: arbitraryEvent }, arbitraryEvent),
  afterMs: fc.nat({ max: 2 * 86_400_000 }),
})

test('whatever happens, a run comes to each step once, waits only with a way out, and stays over', () => {
  fc.assert(
    fc.property(
      arbitraryWorkflow(),
      fc.array(happening, { maxLength: 30 }),
      fc.boolean(),
      (definition, happenings, large) => {
        const visited: string[] = []
        let now = NOON
        let run = newRun(definition, { large, urgent: !large })
        const feed = (event: RunEvent): void => {
          const before = run
          const [next, effects] = advance(definition, before, event, now)
          expect(advance(definition, before, event, now)).toEqual([next, effects])
          if (isOver(before)) expect([next, effects]).toEqual([before, []])
          run = next
          const records = effects.flatMap((effect) => (effect.kind === 'record' ? [effect.transition] : []))
          // History follows on: each move begins where the one before it ended.
          records.reduce<string | null>((state, move) => {
            if (move.reason !== 'workflow_started') expect(move.fromState).toBe(state)
            return move.toState
          }, before.state)
          if (records.length > 0) expect(records.at(-1)?.toState).toBe(next.state)
          expect((next.state === 'waiting') === (next.waitingUntil !== null)).toBe(true)
          if (next.state !== 'waiting') expect(next.waitingFor).toEqual([])
          for (const effect of effects) {
            if (effect.kind !== 'plan') continue
            expect(visited).not.toContain(effect.stepKey)
            visited.push(effect.stepKey)
            feed({ kind: 'planned', stepKey: effect.stepKey, deliveryId: `d-${effect.stepKey}` })
          }
          // A moment later the same cause changes nothing more, unless it is a signal that ends the next wait.
          if (event.kind === 'ended' || event.kind === 'wake')
            expect(advance(definition, run, event, now)[1]).toEqual([])
        }
        feed({ kind: 'started' })
        for (const { event, afterMs } of happenings) {
          now = new Date(now.getTime() + afterMs)
          if (event.kind === 'ended') {
            const deliveryId = `d-s${event.step}`
            feed({ kind: 'ended', deliveryId, outcome: event.outcome, suppressionReason: null })
          } else feed(event)
        }
        expect(visited.length).toBeLessThanOrEqual(definition.steps.length)
      },
    ),
    { numRuns: 300 },
  )
})
