import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DigestRuleDefinition } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import {
  buckets,
  comment,
  comments,
  deleteRule,
  flush,
  HOURLY,
  ruleInput,
  somebody,
  tryDeleteRule,
  tryUpsertRule,
  upsertRule,
} from '../../support/digests.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { refusalOf } from '../../support/trigger.ts'

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [comment], adapters: { email } }, { clock })
})
afterAll(() => carillon.close())
// Each test has rules of its own.
beforeEach(async () => {
  await carillon.sql.query('update digest_rule set deleted_at = now()')
})

const rule = (key: string, change: Partial<DigestRuleDefinition> = {}): DigestRuleDefinition => ({
  ...HOURLY,
  key,
  ...change,
})

/** The rules that hold what comes now, by the buckets that somebody gets. */
const holding = async (recipientId = somebody()): Promise<readonly string[]> => {
  await comments(carillon, ['one'], { recipientId })
  const found = await buckets(carillon, { recipientId })
  return found.map(
    ({ rule: { key, version }, memberCount }: GraphQLAnswer['data']) => `${key}:v${version} ${memberCount}`,
  )
}

test('a rule stored twice is one; the same version with any other field is refused', async () => {
  const stored = await upsertRule(carillon, rule('twice'))
  expect(await upsertRule(carillon, rule('twice'))).toEqual(stored)
  const others: Partial<DigestRuleDefinition>[] = [
    { channel: 'pager' },
    { matchNotificationKey: 'another' },
    { matchCategory: 'comments' },
    { groupBy: 'category' },
    { window: { kind: 'fixed', minutes: 61 } },
    { window: { kind: 'sliding', minutes: 60, maxMinutes: 60 } },
    { window: { kind: 'boundary', time: '09:00' } },
    { maxItems: 3 },
    { excludeRead: true },
  ]
  for (const other of others) {
    const answer = await tryUpsertRule(carillon, ruleInput(rule('twice', other)))
    expect(refusalOf(answer), JSON.stringify(other)).toEqual({ code: 'INVALID_STATE', path: 'input.version' })
  }
  const { matchNotificationKey: _, ...any } = HOURLY
  expect(refusalOf(await tryUpsertRule(carillon, ruleInput({ ...any, key: 'twice' })))).toMatchObject({
    code: 'INVALID_STATE',
  })
  expect(await holding()).toEqual(['twice:v1 1'])
})

test('a new version decides for what comes; open buckets keep theirs, and are sent by it', async () => {
  const ada = somebody()
  await upsertRule(carillon, rule('edited'))
  expect(await holding(ada)).toEqual(['edited:v1 1'])
  await upsertRule(carillon, rule('edited', { version: 2, groupBy: 'category' }))
  expect(await holding(ada)).toEqual(['edited:v1 1', 'edited:v2 1'])
  expect(await holding(ada)).toEqual(['edited:v1 1', 'edited:v2 2'])
  const [old, young] = await buckets(carillon, { recipientId: ada })
  expect([await flush(carillon, old.id), await flush(carillon, young.id)]).toEqual(['EMITTED', 'EMITTED'])
  await carillon.drainJobs()
  const subjects = email.calls.filter(({ recipient }) => recipient.id === ada).map(({ content }) => content)
  expect(subjects).toMatchObject([{ subject: '1 comments' }, { subject: '2 comments' }])
})

test('the newest version decides, whichever was stored last', async () => {
  await upsertRule(carillon, rule('late', { version: 3 }))
  await upsertRule(carillon, rule('late', { version: 2 }))
  expect(await holding()).toEqual(['late:v3 1'])
})

test('a version that is about something else now holds what it says, and the one before it nothing', async () => {
  await upsertRule(carillon, rule('moved'))
  await upsertRule(carillon, rule('moved', { version: 2, channel: 'pager' }))
  expect(await holding()).toEqual([])
})

test('of rules that match alike the one decides whose key was there first, whatever its versions', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  await upsertRule(carillon, rule('z-first'))
  clock.advance(1)
  await upsertRule(carillon, rule('a-second'))
  expect(await holding()).toEqual(['z-first:v1 1'])
  clock.advance(1)
  await upsertRule(carillon, rule('z-first', { version: 2 }))
  expect(await holding()).toEqual(['z-first:v2 1'])
})

test('digest keys come before notifiers, those before categories, and the whole channel last', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const channel = { version: 1, channel: 'email', window: { kind: 'fixed', minutes: 60 } } as const
  await upsertRule(carillon, { ...channel, key: 'channel', groupBy: 'category' })
  expect(await holding()).toEqual(['channel:v1 1'])
  clock.advance(1)
  await upsertRule(carillon, { ...channel, key: 'category', groupBy: 'category', matchCategory: 'comments' })
  expect(await holding()).toEqual(['category:v1 1'])
  clock.advance(1)
  const notifier = { ...channel, key: 'notifier', matchNotificationKey: 'comment.added' }
  await upsertRule(carillon, { ...notifier, groupBy: 'notification_key' })
  expect(await holding()).toEqual(['notifier:v1 1'])
  clock.advance(1)
  await upsertRule(carillon, { ...channel, key: 'thread', groupBy: 'digest_key' })
  expect(await holding()).toEqual(['thread:v1 1'])
})

test('a rule that was deleted holds nothing more; what it holds is sent when its window is over', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const ada = somebody()
  await upsertRule(carillon, rule('deleted'))
  expect(await holding(ada)).toEqual(['deleted:v1 1'])
  await deleteRule(carillon, { key: 'deleted', version: 1 })
  expect(await holding(ada)).toEqual(['deleted:v1 1'])
  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
  const contents = email.calls.filter(({ recipient }) => recipient.id === ada).map(({ content }) => content)
  expect(contents).toMatchObject([{ subject: 'one' }, { subject: '1 comments' }])
})

test('where its newest version is deleted the one before it decides again, and that one when it is stored again', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const ada = somebody()
  await upsertRule(carillon, rule('back'))
  const second = await upsertRule(carillon, rule('back', { version: 2 }))
  expect(await deleteRule(carillon, { key: 'back', version: 2 })).toEqual(second)
  expect(await holding(ada)).toEqual(['back:v1 1'])
  // Deleted again it stays so; with other fields it cannot be brought back.
  expect(await deleteRule(carillon, { key: 'back', version: 2 })).toEqual(second)
  const changed = await tryUpsertRule(carillon, ruleInput(rule('back', { version: 2, maxItems: 2 })))
  expect(refusalOf(changed).code).toBe('INVALID_STATE')
  expect(await holding(ada)).toEqual(['back:v1 2'])
  expect(await upsertRule(carillon, rule('back', { version: 2 }))).toEqual(second)
  expect(await holding(ada)).toEqual(['back:v1 2', 'back:v2 1'])
})

test('what there is not cannot be deleted', async () => {
  await upsertRule(carillon, rule('here'))
  for (const other of [
    { key: 'here', version: 2 },
    { key: 'nowhere', version: 1 },
  ]) {
    expect(refusalOf(await tryDeleteRule(carillon, other))).toEqual({ code: 'NOT_FOUND', path: 'input' })
  }
})
