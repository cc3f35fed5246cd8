import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, memory } from '../../../server/index.ts'
import { buildRegistry } from '../../../server/notifiers/registry.ts'
import { startCarillon } from '../../support/carillon.ts'
import { createTestDatabase } from '../../support/database.ts'

/** A notifier whose workflow has these steps; its types would refuse most of them. */
const withSteps = (steps: unknown, workflow: object = {}) =>
  defineNotifier({
    key: 'walked',
    version: 1,
    payload: z.object({}),
    channels: ['in_app', 'email'],
    render: { in_app: () => ({ title: 'T' }), email: () => ({ subject: '', html: '', text: '' }) },
    workflow: { key: 'walk', version: 1, steps, ...workflow } as never,
  })

const faultsOf = (steps: unknown, workflow?: object): string => {
  try {
    buildRegistry([withSteps(steps, workflow)])
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

const END = { key: 'end', channel: 'email' }
const first = (next: unknown, others: readonly unknown[] = [END]) => [
  { key: 'begin', channel: 'in_app', next },
  ...others,
]

test.each<[string, unknown, string]>([
  ['no list of steps', 'steps', '`workflow.steps` must be a list of one step or more'],
  ['a step that is none', ['begin'], '`workflow.steps[0]` must be an object with a key and a channel'],
  ['two steps of one name', [END, END], '`workflow.steps` holds two steps "end"'],
  ['a step named like the end', [{ key: 'stop', channel: 'email' }], '"stop" is where rules end a workflow'],
  [
    'a channel that is not declared',
    [{ key: 'begin', channel: 'fax' }],
    '`workflow.steps.begin`.channel is "fax", which is no channel of this notifier',
  ],
  [
    'a render that is none',
    [{ key: 'begin', channel: 'email', render: 'text' }],
    '`workflow.steps.begin`.render must be a function',
  ],
  [
    'a target that does not exist',
    first([{ on: 'delivered', to: 'nd' }]),
    '`workflow.steps.begin`.next[0].to leads to "nd", which is no step',
  ],
  [
    'an outcome that does not exist',
    first([{ on: 'read', to: 'end' }]),
    '`workflow.steps.begin`.next[0].on holds "read"; outcomes are delivered, suppressed',
  ],
  [
    'a rule of two kinds',
    first([{ on: 'delivered', wait: '1h', to: 'end', onTimeout: 'end' }]),
    'must have exactly one of `on`, `when` and `wait`',
  ],
  [
    'a rule with what belongs to another',
    first([{ on: 'delivered', to: 'end', signals: ['x'] }]),
    '.next[0].signals does not go with `on`',
  ],
  [
    'a test that is none',
    first([{ when: 'large', test: true, to: 'end' }]),
    '`workflow.steps.begin`.next[0].test must be a function',
  ],
  [
    'a wait that is none',
    first([{ wait: 'soon', onTimeout: 'end' }]),
    '`workflow.steps.begin`.next[0].wait must be a duration',
  ],
  ['no end of a wait', first([{ wait: '1h' }]), '`workflow.steps.begin`.next[0].onTimeout leads to nowhere'],
  [
    'a target of no signal',
    first([{ wait: '1h', onSignal: 'end', onTimeout: 'end' }]),
    '.onSignal has no `signals` to follow',
  ],
  [
    'a signal from within that never comes',
    first([{ wait: '1h', signals: ['notification.opened'], onTimeout: 'end' }]),
    'holds "notification.opened", which is never given',
  ],
  [
    'a rule after one that always fits',
    first([
      { wait: '1h', onTimeout: 'end' },
      { on: 'bounced', to: 'end' },
    ]),
    '`workflow.steps.begin.next[1]` is never asked: a rule before it always fits',
  ],
  [
    'a rule whose outcomes are taken',
    first([
      { on: ['bounced', 'expired'], to: 'end' },
      { on: 'bounced', to: 'stop' },
    ]),
    '`workflow.steps.begin.next[1]` never fits',
  ],
  ['an unreachable step', first([{ on: 'delivered', to: 'stop' }]), '`workflow.steps.end` is unreachable'],
  [
    'a circle',
    first([{ on: 'delivered', to: 'end' }], [{ ...END, next: [{ on: 'bounced', to: 'begin' }] }]),
    'lead in a circle (begin → end → begin): a run takes each step once',
  ],
  [
    'one name for two questions',
    first(
      [{ when: 'x', test: () => true, to: 'end' }],
      [{ ...END, next: [{ when: 'x', test: () => false, to: 'stop' }] }],
    ),
    'asks "x" by another test',
  ],
])('a workflow with %s is refused at the start, and the step and the field are named', (_, steps, message) => {
  expect(faultsOf(steps)).toContain(message)
})

test('a workflow whose every rule may fit is let through', () => {
  const next = [
    { on: ['bounced', 'expired'], to: 'end' },
    { when: 'large', test: () => true, to: 'stop' },
    { wait: '3d', signals: ['paid', 'notification.read', 'delivery.bounced'], onSignal: 'end', onTimeout: 'stop' },
  ]
  expect(faultsOf(first(next))).toBe('')
})

test('a workflow that was changed under its version is refused at the start, and one with a new version is not', async () => {
  const database = await createTestDatabase()
  const start = (wait: string, version: number) => {
    const steps = first([{ wait, onTimeout: 'end' }])
    const options = { databaseUrl: database.url }
    return startCarillon({ notifiers: [withSteps(steps, { version })], adapters: { email: memory() } }, options)
  }
  await (await start('1h', 1)).close()
  await (await start('1h', 1)).close()
  await expect(start('2h', 1)).rejects.toThrow(
    'Notifier "walked": `workflow` "walk" has changed, and its version is still 1: raise it',
  )
  await (await start('2h', 2)).close()
  await database.drop()
})
