import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exampleTabs, shellExamples } from '../../server/cli/examples.ts'
import { defineNotifier, type Notifier, secret } from '../../server/index.ts'
import { examplePayload } from '../../server/notifiers/example-payload.ts'
import { commentMentioned } from '../../server/notifiers/examples.ts'
import { buildRegistry } from '../../server/notifiers/registry.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

const notifierOf = (key: string, payload: z.ZodType, more: object = {}): Notifier =>
  defineNotifier({
    key,
    version: 1,
    payload,
    channels: ['in_app'],
    render: { in_app: () => ({ title: key }) },
    ...more,
  })
const definitionOf = (payload: z.ZodType) => {
  const [definition] = buildRegistry([notifierOf('any', payload)]).values()
  if (!definition) throw new Error('no definition')
  return definition
}

interface Tree {
  readonly name: string
  readonly children?: readonly Tree[] | undefined
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree).optional() }))

describe('a payload is made up that its schema takes', () => {
  test.each<[string, z.ZodType]>([
    ['nothing', z.object({})],
    ['text, numbers and yes or no', z.object({ name: z.string(), count: z.number(), done: z.boolean() })],
    ['bounded text', z.object({ currency: z.string().length(3), code: z.string().min(20), short: z.string().max(2) })],
    ['bounded numbers', z.object({ a: z.int().positive(), b: z.number().lt(0), c: z.int().min(7).multipleOf(5) })],
    ['formats', z.object({ to: z.email(), link: z.url(), at: z.iso.datetime(), on: z.iso.date(), id: z.uuid() })],
    ['choices', z.object({ size: z.enum(['s', 'm']), kind: z.literal('k'), any: z.union([z.null(), z.number()]) })],
    [
      'kinds',
      z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('a'), n: z.number() }),
        z.object({ kind: z.literal('b') }),
      ]),
    ],
    [
      'lists',
      z.object({
        ids: z.array(z.string()).min(2),
        none: z.array(z.string()).max(0),
        pair: z.tuple([z.string(), z.number()]),
      }),
    ],
    [
      'what may be null or left out',
      z.object({ a: z.string().nullable(), b: z.string().optional(), c: z.number().default(3) }),
    ],
    ['parts', z.object({ who: z.object({ id: z.string(), tags: z.record(z.string(), z.number()) }) })],
    ['both of two', z.object({ a: z.string() }).and(z.object({ b: z.number() }))],
    ['itself', tree],
    ['a secret', z.object({ code: secret(z.string().min(6)) })],
    ['what it becomes', z.object({ n: z.string().transform(Number), startsAt: z.coerce.date() })],
  ])('of %s', (_, payload) => {
    expect(examplePayload(definitionOf(payload)).faults).toEqual([])
  })

  test('which means something to a reader, and says nothing that need not be said', () => {
    const schema = z.object({
      text: z.string(),
      author: z.object({ email: z.string() }),
      mentioned: z.array(z.string()),
      cc: z.string().optional(),
    })
    expect(examplePayload(definitionOf(schema)).payload).toEqual({
      text: 'text',
      author: { email: 'bob@example.com' },
      mentioned: ['bob'],
    })
  })

  test.each<[string, z.ZodType, string]>([
    [
      'a rule in code',
      z.object({ iban: z.string().refine((text) => text.startsWith('GB'), 'is no British one') }),
      'iban: is no British one',
    ],
    ['a pattern', z.object({ sku: z.string().regex(/^[A-Z]{3}-\d+$/) }), 'sku: '],
    ['code that waits', z.object({ a: z.string().refine(async () => true) }), 'payload: is checked by code that waits'],
  ])('or where %s decides it is said what to fill in', (_, payload, fault) => {
    expect(examplePayload(definitionOf(payload)).faults).toEqual([expect.stringContaining(fault)])
  })
})

const strict = notifierOf('strict', z.object({ iban: z.string().refine(() => false, 'is no British one') }))
const inputOf = (notifiers: readonly Notifier[]): unknown =>
  (exampleTabs(buildRegistry(notifiers))[0]?.variables as { readonly input: unknown } | undefined)?.input

test('the example that comes along is triggered with its own payload, and what a host calls by its name with one that fits', () => {
  expect(inputOf([strict, commentMentioned])).toMatchObject({
    notificationKey: 'comment.mentioned',
    payload: { author: 'Ada', mentioned: ['bob'] },
  })
  const own = notifierOf('comment.mentioned', z.object({ by: z.string() }))
  expect(inputOf([own])).toMatchObject({ notificationKey: 'comment.mentioned', payload: { by: 'by' } })
})

test('a notifier whose payload cannot be guessed is left for one whose can, and where there is none it is said', () => {
  const easy = notifierOf('easy', z.object({ name: z.string() }))
  expect(inputOf([strict, easy])).toMatchObject({ notificationKey: 'easy', recipients: [{ id: 'bob' }] })
  const registry = buildRegistry([strict])
  expect(exampleTabs(registry)[0]?.query).toContain('# Fill in iban: is no British one\n')
  const urls = { graphqlUrl: 'http://localhost/graphql', backendKey: 'b', operatorKey: 'o' }
  expect(shellExamples(registry, urls)).toContain('Trigger something:\n  Fill in iban: is no British one\n')
})

const quoting = notifierOf(
  "o'clock",
  z.object({ text: z.literal(`it's "NOW" $HOME`), at: z.iso.datetime(), minutes: z.int().positive() }),
)
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [quoting] })
})
afterAll(() => carillon.close())

test('what is printed for the shell works when it is pasted there', async () => {
  const { graphqlUrl, backendKey, operatorKey, app } = carillon
  const printed = shellExamples(app.notifiers, { graphqlUrl, backendKey, operatorKey })
  const command = /^ {2}(curl -s [\s\S]*?)\n\n/m.exec(printed)?.[1]
  // A shell that shows what curl would be given to send.
  const shell = `curl() { for last; do :; done; printf %s "$last"; }\n${command}`
  const { stdout: body } = await promisify(execFile)('sh', ['-c', shell])
  const { query, variables } = JSON.parse(body)
  const { trigger } = await carillon.ok(backendKey, query, variables)
  expect(trigger.event.id).toBeTruthy()
  const { rows } = await carillon.sql.query('select payload, idempotency_key from event')
  expect(rows[0].payload).toMatchObject({ text: `it's "NOW" $HOME` })
  expect(rows[0].idempotency_key).toMatch(/^\d{10}$/)
})
