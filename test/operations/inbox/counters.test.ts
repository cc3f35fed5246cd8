import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { inboxOf } from '../../support/inbox.ts'
import { greeting } from '../../support/notifiers.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
})
afterAll(() => carillon.close())

/** What a recipient may do, and what an item of its inbox becomes by it. */
const ACTIONS = {
  markSeen: (item: Item) => ({ ...item, seen: true }),
  markRead: (item: Item) => ({ ...item, seen: true, read: true }),
  markUnread: (item: Item) => ({ ...item, read: false }),
  archive: (item: Item) => ({ ...item, archived: true }),
  unarchive: (item: Item) => ({ ...item, archived: false }),
} as const
type Action = keyof typeof ACTIONS

interface Item {
  readonly title: string
  readonly seen: boolean
  readonly read: boolean
  readonly archived: boolean
}

const step = fc.oneof(
  fc.constant('arrive' as const),
  fc.record({
    action: fc.constantFrom(...(Object.keys(ACTIONS) as Action[])),
    /** The places of the items that are named; none: all that the empty filter fits. */
    places: fc.option(fc.array(fc.nat(9), { maxLength: 3 })),
  }),
)

test('whatever is done in whatever order, the counters are those of the items, and no version is given twice', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      const inbox = await inboxOf(carillon, `run-${++run}`)
      let model: readonly Item[] = []
      for (const [index, taken] of steps.entries()) {
        if (taken === 'arrive') {
          await inbox.arrive(`${index}`)
          model = [...model, { title: `${index}`, seen: false, read: false, archived: false }]
          continue
        }
        const { action, places } = taken
        const all = [...(await inbox.items({ archived: false })), ...(await inbox.items({ archived: true }))]
        const named = places?.map((place) => model[place]?.title)
        const ids = named && all.filter(({ title }) => named.includes(title)).map(({ id }) => id)
        const meant = ({ title, archived }: Item) =>
          named ? named.includes(title) : archived === (action === 'unarchive')
        const next = model.map((item) => (meant(item) ? ACTIONS[action](item) : item))
        const changed = next.filter((item, index) => JSON.stringify(item) !== JSON.stringify(model[index]))
        const answer = await inbox.mark(action, ids ? { ids } : { filter: {} })
        expect(answer.affectedCount).toBe(changed.length)
        model = next
        const shown = model.filter(({ archived }) => !archived)
        expect(answer.counts).toEqual({
          total: shown.length,
          unread: shown.filter(({ read }) => !read).length,
          unseen: shown.filter(({ seen }) => !seen).length,
        })
      }
      const { rows } = await carillon.sql.query(
        `select count(distinct inbox_version)::int = count(*)::int as distinct, coalesce(max(inbox_version), 0)::int as newest,
          (select version::int from inbox where recipient_id = $1) as version from notification where recipient_id = $1`,
        [inbox.recipientId],
      )
      expect(rows).toMatchObject([{ distinct: true, newest: rows[0].version ?? 0 }])
    }),
    { numRuns: 15 },
  )
})

test('marks and arrivals at once leave no gap and no drift', async () => {
  const inbox = await inboxOf(carillon, 'busy')
  await inbox.arrive('first')
  await Promise.all([
    ...Array.from({ length: 20 }, (_, index) => inbox.arrive(`${index}`)),
    ...Array.from({ length: 20 }, (_, index) => inbox.mark(Object.keys(ACTIONS)[index % 5] as string, { filter: {} })),
  ])
  const { rows } = await carillon.sql.query(
    `select i.total, i.unread, i.unseen, count(*) filter (where archived_at is null)::int as shown,
      count(*) filter (where archived_at is null and read_at is null)::int as not_read,
      count(*) filter (where archived_at is null and seen_at is null)::int as not_seen
    from inbox i join notification n using (tenant_id, recipient_id) where i.recipient_id = 'busy' group by 1, 2, 3`,
  )
  const [{ total, unread, unseen, shown, not_read, not_seen }] = rows
  expect({ total, unread, unseen }).toEqual({ total: shown, unread: not_read, unseen: not_seen })
})
