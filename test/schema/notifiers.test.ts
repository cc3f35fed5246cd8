import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { alarm, greeting, mention } from '../support/notifiers.ts'

interface Tree {
  name: string
  children: Tree[]
}
const tree: z.ZodType<Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree)
  },
})

/** Chooses among its channels, and takes what JSON Schema says in several ways, or cannot say. */
const odd = defineNotifier({
  key: 'a.odd',
  version: 3,
  description: 'Of all sorts.',
  urgent: true,
  payload: z.object({
    at: z.coerce.date(),
    count: z.string().transform(Number).default(0),
    kind: z.enum(['one', 'two']).optional(),
    tree,
  }),
  channels: ({ payload }) => (payload.count > 1 ? ['sms'] : ['email', 'in_app']),
  render: {
    sms: () => ({ text: 'T' }),
    in_app: () => ({ title: 'T' }),
    email: () => ({ subject: 'S', html: '', text: '' }),
  },
})

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({
    notifiers: [mention, odd, greeting, alarm],
    adapters: { email: memory({ name: 'mail' }), sms: memory({ name: 'sms' }) },
  })
})
afterAll(() => carillon.close())

const FIELDS = 'key version category description channels required urgent'

test('the notifiers are listed in order of key, with what each of them is', async () => {
  const { notifiers } = await carillon.ok(carillon.backendKey, `{ notifiers { ${FIELDS} } }`)
  expect(notifiers).toEqual([
    {
      key: 'a.odd',
      version: 3,
      category: null,
      description: 'Of all sorts.',
      channels: ['email', 'in_app', 'sms'],
      required: false,
      urgent: true,
    },
    {
      key: 'comment.mentioned',
      version: 2,
      category: 'comments',
      description: null,
      channels: ['email', 'in_app'],
      required: false,
      urgent: false,
    },
    {
      key: 'greeting',
      version: 1,
      category: null,
      description: null,
      channels: ['in_app'],
      required: false,
      urgent: false,
    },
    {
      key: 'security.alarm',
      version: 1,
      category: 'security',
      description: null,
      channels: ['email', 'in_app'],
      required: true,
      urgent: false,
    },
  ])
})

test('a notifier is found by its key, and one that is unknown is null', async () => {
  const query = '{ notifier(key: "greeting") { key } unknown: notifier(key: "constructor") { key } }'
  expect(await carillon.ok(carillon.operatorKey, query)).toEqual({ notifier: { key: 'greeting' }, unknown: null })
})

test('the payload is described as a caller has to give it, before defaults and transformations', async () => {
  const query = '{ notifier(key: "comment.mentioned") { payloadSchema } odd: notifier(key: "a.odd") { payloadSchema } }'
  const { notifier, odd } = await carillon.ok(carillon.backendKey, query)
  expect(notifier.payloadSchema).toEqual({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: { author: { type: 'string' }, text: { type: 'string', default: '' } },
    required: ['author'],
  })
  expect(odd.payloadSchema).toMatchObject({
    properties: { kind: { enum: ['one', 'two'] }, at: {}, tree: { $ref: expect.stringMatching(/^#\/\$defs\//) } },
  })
  expect(odd.payloadSchema.required).not.toContain('count')
  expect(odd.payloadSchema.required).not.toContain('kind')
})
