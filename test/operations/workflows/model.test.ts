import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { durationMs } from '../../../server/core/duration.ts'
import type { WaitRule, WorkflowDefinition, WorkflowOutcome } from '../../../server/core/workflow/definition.ts'
import { type Claim, claimDue } from '../../../server/db/sql/claim-due.ts'
import { type Adapter, defineConfig, defineNotifier } from '../../../server/index.ts'
import { arbitraryWorkflow, HOST_SIGNALS } from '../../support/arbitrary-workflow.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { dieInMidCall, LEASE_MS } from '../../support/dead-worker.ts'
import { brokenInvariants } from '../../support/invariants.ts'
import { trigger } from '../../support/trigger.ts'
import { signal } from '../../support/workflows.ts'

/*
 * Random workflows are carried through random lives, crashes among them, beside a model that knows nothing of
 * transactions: where it says that a run is, the database must have it.
 */

/** The same lives each time; CARILLON_SEED looks at others. */
const SEED = Number(process.env['CARILLON_SEED'] ?? 7)
const DEFINITIONS = fc.sample(arbitraryWorkflow(), { numRuns: 16, seed: SEED })
const named = DEFINITIONS.map((definition, index) => ({ ...definition, key: `drawn-${index}` }))

const CHANNELS = ['in_app', 'pager', 'siren'] as const
type Channel = (typeof CHANNELS)[number]

const ANSWERS = {
  delivered: { outcome: 'accepted' },
  permanent_failure: { outcome: 'permanent' },
  bounced: { outcome: 'bounced' },
  retries_exhausted: { outcome: 'temporary' },
} as const
type Answer = keyof typeof ANSWERS
let answer: Answer = 'delivered'
const adapter = (name: string): Adapter => ({
  name,
  retry: { attempts: 1, firstDelay: '1s', maxDelay: '1s' },
  deliver: async () => ANSWERS[answer],
})

const notifierOf = (workflow: WorkflowDefinition) =>
  defineNotifier({
    key: workflow.key,
    version: 1,
    payload: z.object({ large: z.boolean(), urgent: z.boolean(), channels: z.array(z.enum(CHANNELS)) }),
    channels: ({ payload }) => payload.channels,
    render: { in_app: () => ({ title: workflow.key }), pager: () => ({}), siren: () => ({}) },
    workflow: {
      ...workflow,
      steps: workflow.steps.map((step) => ({
        ...step,
        next: step.next.map((rule) => {
          if ('on' in rule) return rule
          if ('wait' in rule) {
            const { signals, onSignal, ...wait } = rule as WaitRule & { wait: `${number}h` }
            return signals.length > 0 ? { ...wait, signals, onSignal } : wait
          }
          const test = {
            large: ({ payload }: { payload: { large: boolean } }) => payload.large,
            urgent: ({ payload }: { payload: { urgent: boolean } }) => payload.urgent,
          }
          return { ...rule, test: test[rule.when as 'large' | 'urgent'] as never }
        }),
      })),
    },
  })

const config = defineConfig({
  notifiers: named.map(notifierOf),
  adapters: { pager: adapter('pager'), siren: adapter('siren') },
})
const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config, { clock })
})
afterAll(() => carillon.close())

/** What may happen to a run. Each is carried to its end before the next. */
const happening = fc.oneof(
  fc.record({ kind: fc.constant('signal' as const), name: fc.constantFrom(...HOST_SIGNALS), crash: fc.boolean() }),
  fc.record({ kind: fc.constant('read' as const) }),
  fc.record({ kind: fc.constant('switch' as const), channel: fc.constantFrom(...CHANNELS), enabled: fc.boolean() }),
  fc.record({
    kind: fc.constant('time' as const),
    ms: fc.constantFrom(59_999, 60_000, 3_600_000, 86_400_000),
    crash: fc.boolean(),
  }),
)
const life = fc.record({
  which: fc.nat({ max: named.length - 1 }),
  large: fc.boolean(),
  urgent: fc.boolean(),
  channels: fc.subarray([...CHANNELS]),
  happenings: fc.array(
    fc.record({
      happening,
      answer: fc.constantFrom<Answer>('delivered', 'permanent_failure', 'bounced', 'retries_exhausted'),
    }),
    { minLength: 3, maxLength: 8 },
  ),
})

/** Where a run is, worked out the simple way. */
class Model {
  readonly visited: string[] = []
  step: string
  state: 'active' | 'waiting' | 'completed' | 'stopped' = 'active'
  until: number | null = null
  readonly heard: string[] = []
  read: 'absent' | 'unread' | 'read' = 'absent'
  /** Reading counts once for each arrival. */
  told = false
  readonly off = new Set<Channel>()
  readonly #definition: WorkflowDefinition
  readonly #conditions: Readonly<Record<string, boolean>>
  readonly #chosen: readonly Channel[]

  constructor(
    definition: WorkflowDefinition,
    conditions: Readonly<Record<string, boolean>>,
    chosen: readonly Channel[],
  ) {
    this.#definition = definition
    this.#conditions = conditions
    this.#chosen = chosen
    this.step = (definition.steps[0] as { key: string }).key
    this.visited.push(this.step)
    // A channel that no step names is sent at the trigger.
    const isStep = definition.steps.some(({ channel }) => channel === 'in_app')
    if (!isStep && chosen.includes('in_app')) this.read = 'unread'
  }

  get #present() {
    return this.#definition.steps.find(({ key }) => key === this.step) as WorkflowDefinition['steps'][number]
  }

  get isOver(): boolean {
    return this.state === 'completed' || this.state === 'stopped'
  }

  #goTo(target: string): void {
    this.until = null
    if (target === 'stop') {
      this.state = 'stopped'
      return
    }
    this.state = 'active'
    this.step = target
    this.visited.push(target)
  }

  #ended(outcome: WorkflowOutcome, now: number): void {
    const rule = this.#present.next.find(
      (one) => 'wait' in one || ('on' in one ? one.on.includes(outcome) : this.#conditions[one.when]),
    )
    if (!rule) this.state = 'completed'
    else if (!('wait' in rule)) this.#goTo(rule.to)
    else {
      this.state = 'waiting'
      this.until = now + (durationMs(rule.wait) ?? 0)
      const early = this.heard.findIndex((name) => rule.signals.includes(name))
      if (early >= 0) {
        this.heard.splice(early, 1)
        this.#goTo(rule.onSignal)
      }
    }
  }

  /** Whether a provider is to be called for the present step. */
  get calls(): boolean {
    const { channel } = this.#present
    return (
      this.state === 'active' &&
      channel !== 'in_app' &&
      this.#chosen.includes(channel as Channel) &&
      !this.off.has(channel as Channel)
    )
  }

  /** Everything that is due happens. */
  drain(now: number, given: Answer): void {
    if (this.state === 'waiting' && this.until !== null && this.until <= now) {
      const rule = this.#present.next.find((one): one is WaitRule => 'wait' in one) as WaitRule
      this.#goTo(rule.onTimeout)
    }
    for (this.#passOver(now); this.state === 'active'; this.#passOver(now)) {
      if (this.#present.channel === 'in_app') {
        this.read = 'unread'
        this.told = false
        this.#ended('delivered', now)
      } else this.#ended(given, now)
    }
  }

  /** The one try of the present step is over without a word; what follows is answered as ever. */
  drainUnknown(now: number, given: Answer): void {
    this.#ended('retries_exhausted', now)
    this.drain(now, given)
  }

  /** What is not chosen, or switched off, is over in the transaction that comes to it. */
  #passOver(now: number): void {
    while (this.state === 'active') {
      const channel = this.#present.channel as Channel
      if (this.#chosen.includes(channel) && !this.off.has(channel)) return
      this.#ended('suppressed', now)
    }
  }

  hear(name: string, now: number): void {
    if (
      this.isOver ||
      !this.#definition.steps.some(({ next }) => next.some((rule) => 'wait' in rule && rule.signals.includes(name)))
    )
      return
    const rule = this.#present.next.find((one): one is WaitRule => 'wait' in one)
    if (this.state === 'waiting' && rule?.signals.includes(name)) {
      this.#goTo(rule.onSignal)
      this.#passOver(now)
    } else if (this.heard.filter((one) => one === name).length < this.#definition.steps.length) this.heard.push(name)
  }
}

const runRow = async (recipientId: string) => {
  const { rows } = await carillon.sql.query(
    `select r.state, r.step_key, r.waiting_until,
      (select array_agg(v.step_key order by v.position) from delivery v where v.notification_id = r.id and v.step_key <> '') as steps,
      (select count(*)::int from workflow_transition t where t.run_id = r.id and t.reason = 'step_activated') as activated
    from workflow_run r where r.recipient_id = $1`,
    [recipientId],
  )
  return rows[0]
}

let lives = 0
test(`whatever happens, a run is where a simple model says (definitions of seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(life, async ({ which, large, urgent, channels, happenings }) => {
      lives += 1
      const id = `r${lives}`
      const definition = named[which] as WorkflowDefinition
      const model = new Model(definition, { large, urgent }, channels)
      const now = () => clock.now().getTime()
      answer = 'delivered'
      const recipients = [{ id }]
      await trigger(carillon, { notificationKey: definition.key, payload: { large, urgent, channels }, recipients })
      const check = async (what: string) => {
        const row = await runRow(id)
        expect([what, row.state, row.step_key, row.waiting_until?.getTime() ?? null, row.steps, row.activated]).toEqual(
          [what, model.state, model.step, model.until, model.visited, model.visited.length],
        )
      }
      await carillon.drainJobs()
      model.drain(now(), answer)
      await check('triggered')

      for (const { happening, answer: given } of happenings) {
        answer = given
        if (happening.kind === 'switch') {
          const { channel, enabled } = happening
          const preferences = [{ notificationKey: definition.key, channel, enabled }]
          const set = 'mutation ($input: SetPreferencesInput!) { setPreferences(input: $input) { __typename } }'
          await carillon.ok(carillon.operatorKey, set, { input: { recipientId: id, preferences } })
          if (enabled) model.off.delete(channel)
          else model.off.add(channel)
        } else if (happening.kind === 'read') {
          const mark =
            'mutation ($recipientId: ID) { markRead(input: { recipientId: $recipientId, filter: {} }) { affectedCount } }'
          await carillon.ok(carillon.operatorKey, mark, { recipientId: id })
          if (model.read === 'unread') {
            model.read = 'read'
            if (!model.told) model.hear('notification.read', now())
            model.told = true
          }
        } else if (happening.kind === 'signal') {
          await signal(carillon, { name: happening.name, recipientId: id })
          model.hear(happening.name, now())
        } else {
          clock.advance(happening.ms)
          if (happening.crash) {
            // A worker claims what is due, and is never heard of again.
            await carillon.app.db.system.query<Claim>(
              claimDue([{ lane: 'workflow', tenantId: null, places: 10 }], { now: clock.now(), leaseMs: LEASE_MS }),
            )
            clock.advance(LEASE_MS + 1)
          }
        }
        if (happening.kind === 'signal' && happening.crash) {
          const dispatched = model.calls
          const begun =
            (await dieInMidCall(carillon, config, 'pager')) + (await dieInMidCall(carillon, config, 'siren'))
          expect(begun).toBe(dispatched ? 1 : 0)
          clock.advance(LEASE_MS + 1)
          // One try is all there is, and nobody knows what came of it.
          if (dispatched) {
            await carillon.drainJobs()
            model.drainUnknown(now(), given)
          }
        }
        await carillon.drainJobs()
        model.drain(now(), given)
        await check(JSON.stringify(happening))
      }
      expect(await brokenInvariants(carillon.sql)).toEqual([])
    }),
    { numRuns: 20, seed: SEED },
  )
}, 180_000)
