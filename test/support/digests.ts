import { z } from 'zod'
import { type DigestRuleDefinition, defineNotifier } from '../../server/index.ts'
import type { TestCarillon } from './carillon.ts'
import { trigger } from './trigger.ts'

/** To the inbox at once, and by e-mail in a digest for each thread. */
export const comment = defineNotifier({
  key: 'comment.added',
  version: 1,
  category: 'comments',
  payload: z.object({ thread: z.string().default('plans'), text: z.string().default('hello') }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: payload.text }),
    email: ({ payload }) => ({ subject: payload.text, html: `<p>${payload.text}</p>`, text: payload.text }),
  },
  digest: { email: { key: ({ payload }) => payload.thread } },
  renderDigest: {
    email: ({ items }) => ({
      subject: `${items.length} comments`,
      html: '',
      text: items.map(({ payload }) => payload.text).join('\n'),
    }),
  },
})

/** Every hour on the hour, by thread. */
export const HOURLY: DigestRuleDefinition = {
  key: 'comments-hourly',
  version: 1,
  channel: 'email',
  matchNotificationKey: 'comment.added',
  groupBy: 'digest_key',
  window: { kind: 'fixed', minutes: 60 },
}

/** Comments, one after the other, each an event of its own. */
export const comments = async (
  carillon: TestCarillon,
  texts: readonly string[],
  { thread = 'plans', recipientId = 'ada', ...input }: Record<string, unknown> = {},
): Promise<readonly string[]> => {
  const ids: string[] = []
  for (const text of texts) {
    const recipients = [{ id: recipientId, email: `${recipientId}@example.test` }]
    const payload = { thread, text }
    const { event } = await trigger(carillon, { notificationKey: 'comment.added', payload, recipients, ...input })
    ids.push(event.id)
  }
  return ids
}

let people = 0

/** Somebody whom no other test of a file knows. */
export const somebody = (): string => {
  people += 1
  return `person-${people}`
}

const BUCKETS = `query ($filter: DigestBucketFilter) {
  digestBuckets(filter: $filter) { edges { node {
    id rule { key version } recipientId channel groupingValue windowStartsAt windowEndsAt memberCount state emittedAt
    digestDelivery { id status notification { event { idempotencyKey } } }
    members { edges { node { deliveryId notificationKey resolution reason } } }
  } } }
}`

/** The buckets, the oldest first. */
export const buckets = async (carillon: TestCarillon, filter: object = {}) => {
  const { digestBuckets } = await carillon.ok(carillon.operatorKey, BUCKETS, { filter })
  // biome-ignore lint/suspicious/noExplicitAny: as the query above asks for it.
  return digestBuckets.edges.map(({ node }: any) => node).reverse()
}

/** The one bucket that somebody has. */
export const bucketOf = async (carillon: TestCarillon, recipientId: string) => {
  const [bucket, ...others] = await buckets(carillon, { recipientId })
  if (!bucket || others.length > 0) throw new Error(`expected one bucket of ${recipientId}, found ${others.length + 1}`)
  return bucket
}

/** Closes a bucket by hand; answers the state that it is in then. */
export const flush = async (carillon: TestCarillon, bucketId: string, reason = 'asked for'): Promise<string> => {
  const { flushDigestBucket } = await carillon.ok(
    carillon.operatorKey,
    'mutation ($input: FlushDigestBucketInput!) { flushDigestBucket(input: $input) { bucket { state } } }',
    { input: { bucketId, reason } },
  )
  return flushDigestBucket.bucket.state
}

/** A rule as the API takes it. */
export const ruleInput = ({ window, ...rule }: DigestRuleDefinition): Record<string, unknown> => ({
  ...rule,
  groupBy: rule.groupBy.toUpperCase(),
  windowKind: window.kind.toUpperCase(),
  ...(window.kind === 'boundary'
    ? { boundaryTime: window.time, boundaryTimeZone: window.timeZone }
    : { windowMinutes: window.minutes }),
  ...(window.kind === 'sliding' && { maxWindowMinutes: window.maxMinutes }),
})

const UPSERT =
  'mutation ($input: DigestRuleInput!) { upsertDigestRule(input: $input) { digestRule { id key version } } }'
const DELETE =
  'mutation ($input: DeleteDigestRuleInput!) { deleteDigestRule(input: $input) { digestRule { id key version } } }'

/** Stores a version of a rule; the answer may be a refusal. */
export const tryUpsertRule = (carillon: TestCarillon, input: Record<string, unknown>, key = carillon.operatorKey) =>
  carillon.ask(key, UPSERT, { input })

/** Stores a version of a rule. */
export const upsertRule = async (carillon: TestCarillon, rule: DigestRuleDefinition) =>
  (await carillon.ok(carillon.operatorKey, UPSERT, { input: ruleInput(rule) })).upsertDigestRule.digestRule

/** Deletes a version of a rule; the answer may be a refusal. */
export const tryDeleteRule = (carillon: TestCarillon, input: { key: string; version: number }) =>
  carillon.ask(carillon.operatorKey, DELETE, { input })

/** Deletes a version of a rule. */
export const deleteRule = async (carillon: TestCarillon, input: { key: string; version: number }) =>
  (await carillon.ok(carillon.operatorKey, DELETE, { input })).deleteDigestRule.digestRule
