import { afterAll, beforeAll, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { TRIGGER, triggerInput } from '../support/trigger.ts'
import { tallyOf } from './tally.ts'

let carillon: TestCarillon
let otherKey: string
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
  otherKey = (await carillon.addTenant('other')).operatorKey
  for (const key of [carillon.operatorKey, otherKey]) {
    for (let time = 0; time < 4; time++) {
      const input = triggerInput({ payload: { text: key === otherKey ? 'theirs' : 'ours' } })
      await carillon.ok(key, TRIGGER, { input })
    }
  }
  await carillon.drainJobs()
})
afterAll(() => carillon.close())

/** Every list that has pages, with what to read of it. */
const LISTS = [
  'events',
  'deliveries',
  'inbox',
  'recipients',
  'webhookIngresses',
  'digestBuckets',
  'workflowRuns',
] as const

const query = (list: (typeof LISTS)[number], args: string, declared = ''): string =>
  list === 'inbox'
    ? `query ${declared} { inbox(recipientId: "ada") { notifications(${args}) { edges { cursor node { id content { title } } } } } }`
    : `query ${declared} { ${list}(${args}) { edges { cursor node { __typename } } } }`

// biome-ignore lint/suspicious/noExplicitAny: the lists differ in where they stand.
const edgesOf = (list: string, data: any): { readonly cursor: string }[] | undefined =>
  (list === 'inbox' ? data?.inbox?.notifications : data?.[list])?.edges

const changed = (cursor: string): string[] => {
  const bytes = Buffer.from(cursor, 'base64url')
  const flipped = Array.from({ length: bytes.length }, (_, at) => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] as number) ^ (at % 2 === 0 ? 1 : 0x80)
    return copy.toString('base64url')
  })
  const shapes = [
    '',
    ' ',
    cursor.slice(1),
    cursor.slice(0, -1),
    `${cursor}=`,
    `${cursor}A`,
    cursor.toUpperCase(),
    '-1',
    '0',
    '%',
    'null',
    '{}',
    '[]',
  ]
  const texts = [
    "' or 1=1 --",
    '0',
    '-1',
    '1e9',
    '9'.repeat(100),
    '\0',
    '{"id":1}',
    '[1,2]',
    '00000000-0000-0000-0000-000000000000',
  ]
  return [...flipped, ...shapes, ...texts.map((text) => Buffer.from(text).toString('base64url'))]
}

test('S28: a cursor that was made up or changed is refused, or stands somewhere in the caller’s own list', async () => {
  const tally = tallyOf('S28')
  for (const list of LISTS) {
    const { data } = await carillon.ask(carillon.operatorKey, query(list, 'first: 10'))
    const { data: theirs } = await carillon.ask(otherKey, query(list, 'first: 10'))
    const own = new Set((edgesOf(list, data) ?? []).map(({ cursor }) => cursor))
    const foreign = (edgesOf(list, theirs) ?? []).map(({ cursor }) => cursor)
    const base = [...own][1] ?? Buffer.from('019a0000-0000-7000-8000-000000000000').toString('base64url')
    const tries = [...changed(base), ...foreign].flatMap((cursor) => [
      { cursor, args: 'first: 10, after: $c' },
      { cursor, args: 'last: 10, before: $c' },
    ])
    const answers = await Promise.all(
      tries.map(async ({ cursor, args }) => ({
        cursor,
        args,
        ...(await carillon.ask(carillon.operatorKey, query(list, args, '($c: String)'), { c: cursor })),
      })),
    )
    for (const { cursor, args, status, data: answered, errors } of answers) {
      const codes = errors.map(({ extensions }) => extensions['code'])
      const edges = edgesOf(list, answered) ?? []
      const isForeign = edges.some((edge) => !own.has(edge.cursor)) || JSON.stringify(answered).includes('theirs')
      const isRefused = codes.length > 0 && codes.every((code) => code === 'BAD_USER_INPUT')
      tally.tried(`${list} ${args} ${cursor}`, status >= 500 || isForeign || (codes.length > 0 && !isRefused))
    }
    for (const size of ['-1', '101', '2147483647', '0, last: 0', '1, last: 1']) {
      const { errors } = await carillon.ask(carillon.operatorKey, query(list, `first: ${size}`))
      tally.tried(`${list} ${size}`, errors[0]?.extensions['code'] !== 'BAD_USER_INPUT')
    }
  }
  tally.report()
}, 120_000)
