import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createApp } from '../../../server/app.ts'
import { SetupError } from '../../../server/errors.ts'
import { type DigestRuleDefinition, defineNotifier } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { bucketOf, comment, comments, flush, HOURLY, somebody, upsertRule } from '../../support/digests.ts'
import { scripted } from '../../support/scripted-adapter.ts'

const DAILY: DigestRuleDefinition = {
  key: 'daily',
  version: 1,
  channel: 'email',
  matchCategory: 'reports',
  groupBy: 'category',
  window: { kind: 'boundary', time: '08:00', timeZone: 'Europe/Berlin' },
  maxItems: 100,
  excludeRead: true,
}

const report = defineNotifier({
  key: 'report.ready',
  version: 1,
  category: 'reports',
  payload: z.object({}),
  channels: ['email'],
  render: { email: () => ({ subject: 'A report', html: '', text: '' }) },
  digest: { email: {} },
})

const clock = new TestClock()
const configOf = (digestRules: readonly DigestRuleDefinition[]) => ({
  notifiers: [comment, report],
  adapters: { email: scripted('email') },
  digestRules,
})

let first: TestCarillon
beforeAll(async () => {
  first = await startCarillon(configOf([HOURLY, DAILY]), { clock })
})
afterAll(() => first.close())

const restart = (...digestRules: readonly DigestRuleDefinition[]): Promise<TestCarillon> =>
  startCarillon(configOf(digestRules), { clock, databaseUrl: first.databaseUrl })

const RULES = `{ digestRules {
  key version channel matchNotificationKey matchCategory groupBy windowKind windowMinutes maxWindowMinutes boundaryTime
  boundaryTimeZone maxItems excludeRead
} }`
const rulesOf = async (carillon: TestCarillon, key = carillon.operatorKey) =>
  (await carillon.ok(key, RULES)).digestRules
const namesOf = async (carillon: TestCarillon, key?: string): Promise<readonly string[]> =>
  (await rulesOf(carillon, key)).map((rule: DigestRuleDefinition) => `${rule.key}:v${rule.version}`)

test('the rules of a configuration are stored at the start, with all that they say', async () => {
  const none = { matchNotificationKey: null, matchCategory: null, windowMinutes: null, maxWindowMinutes: null }
  expect(await rulesOf(first)).toEqual([
    {
      ...none,
      key: 'comments-hourly',
      version: 1,
      channel: 'email',
      matchNotificationKey: 'comment.added',
      groupBy: 'DIGEST_KEY',
      windowKind: 'FIXED',
      windowMinutes: 60,
      boundaryTime: null,
      boundaryTimeZone: null,
      maxItems: null,
      excludeRead: false,
    },
    {
      ...none,
      key: 'daily',
      version: 1,
      channel: 'email',
      matchCategory: 'reports',
      groupBy: 'CATEGORY',
      windowKind: 'BOUNDARY',
      boundaryTime: '08:00',
      boundaryTimeZone: 'Europe/Berlin',
      maxItems: 100,
      excludeRead: true,
    },
  ])
})

test('a tenant that is made later gets them, and they hold what is its own', async () => {
  const { operatorKey, backendKey } = await first.addTenant('latecomers')
  expect(await namesOf(first, operatorKey)).toEqual(['comments-hourly:v1', 'daily:v1'])
  const ada = somebody()
  await comments({ ...first, backendKey }, ['one'], { recipientId: ada })
  expect(await bucketOf({ ...first, operatorKey }, ada)).toMatchObject({ memberCount: 1 })
})

test('what leaves the configuration is deleted, what an operator stored is not; what comes back decides again', async () => {
  await upsertRule(first, { ...HOURLY, key: 'by-hand', matchNotificationKey: 'another' })
  const ada = somebody()
  await comments(first, ['one'], { recipientId: ada })

  const second = await restart(DAILY)
  expect(await namesOf(second)).toEqual(['by-hand:v1', 'daily:v1'])
  await comments(second, ['two'], { recipientId: ada })
  const bucket = await bucketOf(second, ada)
  expect(bucket).toMatchObject({ memberCount: 1, rule: { key: 'comments-hourly', version: 1 } })
  expect(await flush(second, bucket.id)).toBe('EMITTED')
  await second.close()

  const third = await restart(DAILY, HOURLY, { ...HOURLY, version: 2, maxItems: 5 })
  expect(await namesOf(third)).toEqual(['by-hand:v1', 'comments-hourly:v1', 'comments-hourly:v2', 'daily:v1'])
  await third.close()
  const again = await restart(HOURLY, DAILY)
  expect(await namesOf(again)).toEqual(['by-hand:v1', 'comments-hourly:v1', 'daily:v1'])
  await again.close()
})

test('a start that changes nothing writes nothing, and starts with different rules do not hinder each other', async () => {
  const written = async () =>
    (await first.sql.query(`select tenant_id, key, version, xmin from digest_rule order by 1, 2, 3`)).rows
  const before = await written()
  await (await restart(HOURLY, DAILY)).close()
  expect(await written()).toEqual(before)

  const configs = [[HOURLY, DAILY], [DAILY], [DAILY, HOURLY], [HOURLY]]
  const started = await Promise.all(configs.map((rules) => restart(...rules)))
  for (const one of started) await one.close()
  const last = await restart(HOURLY, DAILY)
  expect(await namesOf(last)).toEqual(['by-hand:v1', 'comments-hourly:v1', 'daily:v1'])
  await last.close()
})

test('a rule that was changed under the same version stops the start, is named, and changes nothing', async () => {
  const changed = [{ ...HOURLY, maxItems: 7 }, DAILY, { ...HOURLY, key: 'fresh' }]
  const error = await restart(...changed).then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(SetupError)
  expect((error as SetupError).message).toBe(
    'The digest rules have faults:\n- Digest rule "comments-hourly" is stored with other fields under version 1: raise its version',
  )
  expect(await namesOf(first)).toEqual(['by-hand:v1', 'comments-hourly:v1', 'daily:v1'])
})

/** What is said of a configuration's rules. Nothing is opened before they have been checked. */
const faultsOf = async (digestRules: unknown): Promise<string> => {
  const config = { ...configOf([]), digestRules: digestRules as DigestRuleDefinition[] }
  const secretKey = 'a-secret-key-for-tests-of-32-characters'
  const start = createApp({ databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing', config, secretKey })
  const error = await start.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(SetupError)
  return (error as SetupError).message
}

test.each<[string, unknown, string]>([
  ['that are no list', {}, '`digestRules` must be a list'],
  ['of which one is nothing', [null], 'digestRules[0] has no key'],
  ['of which one has no key', [HOURLY, { ...HOURLY, key: ' ' }], 'digestRules[1] has no key'],
  ['of which one has no channel', [{ ...HOURLY, channel: undefined }], 'Digest rule "comments-hourly" has no channel'],
  [
    'of which one groups by something else',
    [{ ...HOURLY, groupBy: 'thread' }],
    'Digest rule "comments-hourly": groupBy must be one of notification_key, category, digest_key',
  ],
  [
    'of which one has no window',
    [{ ...HOURLY, window: undefined }],
    'Digest rule "comments-hourly": window.kind must be one of fixed, boundary, sliding',
  ],
  [
    'of which one has a window of no length',
    [{ ...HOURLY, window: { kind: 'fixed' } }],
    'Digest rule "comments-hourly": window.minutes must be a whole number of minutes from 1 to 525600',
  ],
  [
    'of which one has a time that is no text',
    [{ ...DAILY, window: { kind: 'boundary', time: 900 } }],
    'Digest rule "daily": window.time must be a local time such as "09:00"',
  ],
  [
    'of which one is in a zone that is none',
    [{ ...DAILY, window: { kind: 'boundary', time: '08:00', timeZone: 'Mars/Olympus' } }],
    'Digest rule "daily": window.timeZone is not an IANA time zone name',
  ],
  [
    'of which one has a version that is no number',
    [{ ...HOURLY, version: '1' }],
    'Digest rule "comments-hourly": version must be a positive whole number',
  ],
  [
    'of which one matches what is no text',
    [{ ...HOURLY, matchCategory: 7 }],
    'Digest rule "comments-hourly": matchCategory must be text',
  ],
  [
    'of which one says maybe',
    [{ ...HOURLY, excludeRead: 'yes' }],
    'Digest rule "comments-hourly": excludeRead must be true or false',
  ],
  [
    'of which two have the same name',
    [HOURLY, { ...HOURLY, maxItems: 3 }],
    'Digest rule "comments-hourly" version 1 is defined twice',
  ],
])('rules %s are refused at the start, and named with the field', async (_, rules, message) => {
  expect(await faultsOf(rules)).toContain(message)
})

test('all faults of the rules are named at once', async () => {
  const message = await faultsOf([
    { ...HOURLY, maxItems: 0 },
    { ...DAILY, version: 0 },
  ])
  expect(message).toContain('Digest rule "comments-hourly": maxItems')
  expect(message).toContain('Digest rule "daily": version')
})
