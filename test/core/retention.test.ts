import { expect, test } from 'vitest'
import {
  batchesOf,
  chosenOf,
  cutoffsAt,
  type RetentionSettings,
  retentionFaults,
  retentionOf,
  type SeenOldEvent,
} from '../../server/core/retention.ts'

const DAY = 86_400_000

test('where nothing is said all is kept for ever', () => {
  expect(retentionFaults({})).toEqual([])
  expect(Object.values(retentionOf({}))).toEqual([null, null, null, null, null, null])
  expect(Object.values(cutoffsAt(retentionOf({}), new Date()))).toEqual([null, null, null, null, null, null])
})

test('items, signals and reports are kept no longer than events, and shorter where that is said', () => {
  expect(retentionOf({ events: '90d' })).toEqual({
    events: 90 * DAY,
    archived: null,
    read: null,
    arrived: 90 * DAY,
    signals: 90 * DAY,
    reports: 90 * DAY,
  })
  const shorter: RetentionSettings = {
    events: '400d',
    inbox: { archived: '30d', read: '60d', all: '90d' },
    signals: '7d',
    fruitlessReports: '48h',
  }
  expect(retentionFaults(shorter)).toEqual([])
  expect(Object.values(retentionOf(shorter)).map((ms) => (ms ?? 0) / DAY)).toEqual([400, 30, 60, 90, 7, 2])
})

test('a cutoff is as long ago as the class is kept', () => {
  const now = new Date('2026-04-01T12:00:00.000Z')
  const { events, archived } = cutoffsAt(retentionOf({ events: '90d', inbox: { archived: '1d' } }), now)
  expect([events, archived]).toEqual([new Date('2026-01-01T12:00:00.000Z'), new Date('2026-03-31T12:00:00.000Z')])
})

test.each<[object, string]>([
  [{ events: '90' }, '`retention.events` must be a duration such as "90d"'],
  [{ events: 90 }, '`retention.events` must be a duration'],
  [{ events: '12h' }, '`retention.events` must be at least "1d"'],
  [{ inbox: { read: '0d' } }, '`retention.inbox.read` must be at least "1d"'],
  [{ deliveries: '90d' }, '`retention.deliveries` is no class of what is stored'],
  [{ inbox: { unread: '90d' } }, '`retention.inbox.unread` is no class of what is stored'],
  [{ inbox: '90d' }, '`retention.inbox` must be an object'],
  [{ events: '30d', inbox: { archived: '60d' } }, '`retention.inbox.archived` is longer than `retention.events`'],
  [{ events: '30d', inbox: { all: '31d' } }, '`retention.inbox.all` is longer than `retention.events`'],
  [{ inbox: { all: '30d', read: '60d' } }, '`retention.inbox.read` is longer than `retention.inbox.all`'],
])('a fault is named: %j', (settings, fault) => {
  expect(retentionFaults(settings as RetentionSettings)).toEqual([expect.stringContaining(fault)])
})

test('all faults are named at once', () => {
  const settings = { events: 'soon', inbox: { read: '1h' }, attempts: '3d' } as unknown as RetentionSettings
  expect(retentionFaults(settings)).toHaveLength(3)
})

const event = (id: string, rest: number, over = true): SeenOldEvent => ({ id, rest, over })

test('events share a batch as long as they fit, in order, and one that is too large has its own', () => {
  const events = [event('a', 2), event('b', 0), event('c', 1), event('d', 3), event('e', 9, false), event('f', 40)]
  const batches = batchesOf([...events, event('g', 1), event('h', 4)], 4)
  expect(batches.map((batch) => batch.map(({ id }) => id))).toEqual([['a', 'b', 'c'], ['d'], ['f'], ['g'], ['h']])
})

test('nothing of an event goes while any of it is held, but for what is too large for a batch', () => {
  const rows = [
    { id: '1', eventId: 'a', prunable: true },
    { id: '2', eventId: 'a', prunable: false },
    { id: '3', eventId: 'b', prunable: true },
  ]
  expect(chosenOf(rows, false).map(({ id }) => id)).toEqual(['3'])
  expect(chosenOf(rows, true).map(({ id }) => id)).toEqual(['1', '3'])
})
