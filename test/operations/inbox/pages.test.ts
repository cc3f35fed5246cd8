import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { inboxOf, type TestInbox } from '../../support/inbox.ts'
import { greeting } from '../../support/notifiers.ts'
import { refusalOf } from '../../support/trigger.ts'

const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: InboxFilter) {
  inbox {
    notifications(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
      edges { cursor node { content { title } } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`

let carillon: TestCarillon
let inbox: TestInbox
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
  inbox = await inboxOf(carillon, 'ada')
  await inbox.arrive(...Array.from({ length: 25 }, (_, index) => `${index + 1}`))
})
afterAll(() => carillon.close())

const NEWEST_FIRST = Array.from({ length: 25 }, (_, index) => `${25 - index}`)

const page = async (args: object = {}) => {
  const { inbox: found } = await carillon.ok(inbox.token, PAGE, { ...args })
  const { edges, pageInfo } = found.notifications
  expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0]?.cursor ?? null, edges.at(-1)?.cursor ?? null])
  type Edge = { readonly node: { readonly content: { readonly title: string } } }
  return { titles: edges.map(({ node }: Edge) => node.content.title) as string[], ...pageInfo }
}

test('a page has twenty items where nothing is said, newest first', async () => {
  expect(await page()).toMatchObject({ titles: NEWEST_FIRST.slice(0, 20), hasNextPage: true, hasPreviousPage: false })
})

test('pages forwards come to everything once, in order, and say when they are at the end', async () => {
  const titles: string[] = []
  let after: string | null = null
  for (let turn = 0; turn < 4; turn++) {
    const next = await page({ first: 7, after })
    titles.push(...next.titles)
    expect([next.hasNextPage, next.hasPreviousPage]).toEqual([turn < 3, turn > 0])
    after = next.endCursor
  }
  expect(titles).toEqual(NEWEST_FIRST)
})

test('pages backwards come to everything once, each in the order of the list', async () => {
  const titles: string[] = []
  let before: string | null = null
  for (let turn = 0; turn < 4; turn++) {
    const next = await page({ last: 7, before })
    titles.unshift(...next.titles)
    expect([next.hasNextPage, next.hasPreviousPage]).toEqual([turn > 0, turn < 3])
    before = next.startCursor
  }
  expect(titles).toEqual(NEWEST_FIRST)
})

test('a page may lie between two cursors', async () => {
  const { startCursor, endCursor } = await page({ first: 6 })
  expect((await page({ after: startCursor, before: endCursor })).titles).toEqual(NEWEST_FIRST.slice(1, 5))
  expect((await page({ after: startCursor, before: endCursor, last: 2 })).titles).toEqual(NEWEST_FIRST.slice(3, 5))
  expect((await page({ after: endCursor, before: startCursor })).titles).toEqual([])
})

test('what arrives or changes meanwhile shifts no page', async () => {
  const other = await inboxOf(carillon, 'bob')
  await other.arrive('1', '2', '3', '4')
  const variables = { first: 2 }
  const first = (await carillon.ok(other.token, PAGE, variables)).inbox.notifications
  await other.arrive('5')
  await other.mark('markRead', { filter: {} })
  const next = (await carillon.ok(other.token, PAGE, { ...variables, after: first.pageInfo.endCursor })).inbox
    .notifications
  expect(next.edges.map(({ node }: { node: { content: { title: string } } }) => node.content.title)).toEqual(['2', '1'])
})

test('the filter holds on every page', async () => {
  await inbox.mark('markSeen', {
    ids: (await inbox.items()).filter(({ title }) => Number(title) % 2).map(({ id }) => id),
  })
  const first = await page({ first: 5, filter: { seen: true } })
  const next = await page({ first: 100, filter: { seen: true }, after: first.endCursor })
  expect([...first.titles, ...next.titles]).toEqual(NEWEST_FIRST.filter((title) => Number(title) % 2))
  expect(next.hasNextPage).toBe(false)
})

test('a page may be empty, and none of the contents lost by it', async () => {
  expect(await page({ first: 0 })).toMatchObject({ titles: [], hasNextPage: true, startCursor: null })
  expect(await page({ filter: { archived: true } })).toMatchObject({ titles: [], hasNextPage: false })
})

test.each<[object, string]>([
  [{ first: 101 }, 'first'],
  [{ first: -1 }, 'first'],
  [{ last: 101 }, 'last'],
  [{ last: -1 }, 'last'],
  [{ first: 1, last: 1 }, 'first'],
  [{ after: 'nonsense' }, 'after'],
  [{ after: '' }, 'after'],
  [{ before: Buffer.from('r:ada').toString('base64url') }, 'before'],
  [{ before: `${Buffer.from('a:3').toString('base64url')}=` }, 'before'],
  [{ first: 1, after: Buffer.from('a:1e3').toString('base64url') }, 'after'],
])('a page of %j is refused, and never clamped', async (args, path) => {
  expect(refusalOf(await carillon.ask(inbox.token, PAGE, args as Record<string, unknown>))).toEqual({
    code: 'BAD_USER_INPUT',
    path,
  })
})
