import { expect, test } from 'vitest'
import type { InboxNotification, InboxUpdate } from '../../client-sdk/index.ts'
import { mergeUpdates } from '../../client-sdk/merge-updates.ts'

const update = (cursor: string, changed: readonly string[], more: Partial<InboxUpdate> = {}): InboxUpdate => ({
  cursor,
  changed: changed.map((id) => ({ id, cursor }) as InboxNotification),
  removedIds: [],
  counts: { total: Number(cursor), unread: 0, unseen: 0 },
  resync: false,
  ...more,
})
const shown = ({ changed, ...rest }: InboxUpdate) => ({
  ...rest,
  changed: changed.map(({ id, cursor }) => `${id}@${cursor}`),
})

test.each([
  {
    promise: 'what changed in one only is kept, in order',
    earlier: update('1', ['a', 'b']),
    later: update('2', ['c']),
    changed: ['a@1', 'b@1', 'c@2'],
    removedIds: [],
  },
  {
    promise: 'what changed twice is there once, in its latest state and place',
    earlier: update('1', ['a', 'b']),
    later: update('2', ['a']),
    changed: ['b@1', 'a@2'],
    removedIds: [],
  },
  {
    promise: 'what changed and then went is gone',
    earlier: update('1', ['a', 'b']),
    later: update('2', [], { removedIds: ['a'] }),
    changed: ['b@1'],
    removedIds: ['a'],
  },
  {
    promise: 'what went and came back is there',
    earlier: update('1', [], { removedIds: ['a', 'b'] }),
    later: update('2', ['a']),
    changed: ['a@2'],
    removedIds: ['b'],
  },
])('$promise', ({ earlier, later, changed, removedIds }) => {
  expect(shown(mergeUpdates(earlier, later))).toEqual({
    cursor: '2',
    counts: later.counts,
    resync: false,
    changed,
    removedIds,
  })
})

test('whichever says that the inbox is to be reloaded, nothing else is said', () => {
  const lost = update('1', [], { resync: true })
  const merged = { cursor: '2', counts: { total: 2, unread: 0, unseen: 0 }, resync: true, changed: [], removedIds: [] }
  expect(mergeUpdates(lost, update('2', ['a'], { removedIds: ['b'] }))).toEqual(merged)
  expect(mergeUpdates(update('1', ['a'], { removedIds: ['b'] }), update('2', [], { resync: true }))).toEqual(merged)
})
