import { z } from 'zod'
import { idFault } from '../core/json-limits.ts'
import type { Recipient } from '../core/recipient.ts'
import { secretDepth, splitSecrets, withoutSecrets } from '../core/secret-fields.ts'
import { withheld } from '../core/withheld-error.ts'
import type { AnyDefinition, DigestRenderContext, RenderContext } from './notifier.ts'
import { secretPathsOf } from './secret-paths.ts'
import { conditionTestsOf, stepRenderOf } from './workflow.ts'

/** How long one function of a notifier may take, in milliseconds. A synchronous one cannot be interrupted. */
export const FUNCTION_TIME_LIMIT_MS = 5_000

/** The host's code failed: it threw, took too long, or returned what it must not. */
export class NotifierError extends Error {
  constructor(definition: AnyDefinition, member: string, problem: string, options?: { readonly cause?: unknown }) {
    super(`Notifier "${definition.key}": ${member} ${problem}`, options)
    this.name = 'NotifierError'
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/** A payload as far as it is known, for the notifier's functions. */
export interface GivenPayload {
  /** For functions that may see secret fields. */
  readonly open: unknown
  /** For all others: what the code says to be secret now is taken out of it once it has been parsed. */
  readonly closed: unknown
  /** Why secret fields that were given are not there, and `null` stands in their places; `null` where they are. */
  readonly missing: string | null
  /** The secret values in `open`. */
  readonly secrets: readonly unknown[]
}

/** A payload as the caller gave it. */
export const wholePayload = (definition: AnyDefinition, payload: unknown): GivenPayload => ({
  open: payload,
  closed: payload,
  missing: null,
  secrets: splitSecrets(secretPathsOf(definition), payload).secrets.map(([, value]) => value),
})

const withinTime = async <T>(
  definition: AnyDefinition,
  member: string,
  call: () => T | Promise<T>,
  /** Whether it sees secret fields, and what it throws may quote them. */
  seesSecrets = false,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  try {
    const answer = call()
    if (!isThenable(answer)) return answer
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new NotifierError(definition, member, `took longer than ${FUNCTION_TIME_LIMIT_MS} ms`)),
        FUNCTION_TIME_LIMIT_MS,
      )
    })
    return await Promise.race([answer, limit])
  } catch (cause) {
    if (cause instanceof NotifierError) throw cause
    const told = seesSecrets ? withheld(cause) : cause
    throw new NotifierError(definition, member, "failed; the server's log says how", { cause: told })
  } finally {
    clearTimeout(timer)
  }
}

type Parsed = z.ZodSafeParseResult<unknown>

const MAY_WAIT = { async: true } as const

const resultOf = ({ value, issues }: z.core.ParsePayload): Parsed => {
  if (issues.length === 0) return { success: true, data: value }
  const final = issues.map((issue) => z.core.util.finalizeIssue(issue, MAY_WAIT, z.core.config()))
  return { success: false, error: new z.ZodError(final) }
}

/**
 * Most schemas are synchronous, and a promise for each parse is a good part of what a trigger costs; so there is one
 * only where a schema gives one. To try without and then with would leave the first try's promise to nobody, and one
 * that is rejected ends the process.
 */
const run = <T>(schema: z.ZodType, value: unknown, read: (payload: z.core.ParsePayload) => T): T | Promise<T> => {
  const result = schema._zod.run({ value, issues: [] }, MAY_WAIT)
  return result instanceof Promise ? result.then(read) : read(result)
}

const parse = (schema: z.ZodType, value: unknown): Parsed | Promise<Parsed> => run(schema, value, resultOf)

const hasSecrets = (definition: AnyDefinition): boolean => secretPathsOf(definition).length > 0

/** The payload as the notifier's functions see it, or what is wrong with it. */
export const parsePayload = (definition: AnyDefinition, payload: unknown, seesSecrets = hasSecrets(definition)) =>
  withinTime(definition, 'payload', () => parse(definition.payload, payload), seesSecrets)

/** What a schema makes of a payload whose secret fields are missing: nothing else may be wrong with it. */
const parseWithout = (definition: AnyDefinition, payload: unknown): Promise<Parsed> => {
  const paths = secretPathsOf(definition)
  const read = (result: z.core.ParsePayload): Parsed => {
    const isSecret = ({ path = [] }: z.core.$ZodRawIssue) => secretDepth(paths, path as (string | number)[]) !== null
    return result.issues.every(isSecret) ? { success: true, data: result.value } : resultOf(result)
  }
  return withinTime(definition, 'payload', () => run(definition.payload, payload, read), true)
}

const notFitting = (definition: AnyDefinition, member: string, { missing }: GivenPayload): NotifierError =>
  new NotifierError(
    definition,
    member,
    `cannot be called: ${missing ?? 'the stored payload no longer fits its schema'}`,
  )

// Parsed anew for each function, so that none sees what another did to it.
const freshPayload = async (definition: AnyDefinition, member: string, payload: GivenPayload): Promise<unknown> => {
  const { closed, missing } = payload
  const parsed = await (missing ? parseWithout(definition, closed) : parsePayload(definition, closed))
  if (parsed.success) return withoutSecrets(secretPathsOf(definition), parsed.data)
  throw notFitting(definition, member, payload)
}

/** With its secret fields: for what is sent, and comes to rest nowhere else. */
const openPayload = async (definition: AnyDefinition, member: string, payload: GivenPayload): Promise<unknown> => {
  if (payload.missing) throw notFitting(definition, member, payload)
  const parsed = await parsePayload(definition, payload.open, payload.secrets.length > 0)
  if (parsed.success) return parsed.data
  throw notFitting(definition, member, payload)
}

/** Whom the notifier itself names; `null` where it leaves that to the caller. */
export const recipientsOf = async (
  definition: AnyDefinition,
  payload: GivenPayload,
): Promise<readonly Recipient[] | null> => {
  const { recipients } = definition
  if (!recipients) return null
  const fresh = await freshPayload(definition, 'recipients', payload)
  const answer = await withinTime(definition, 'recipients', () => recipients({ payload: fresh }))
  if (!Array.isArray(answer)) throw new NotifierError(definition, 'recipients', 'returned no list')
  return answer
}

/** The channels for one recipient, each once, in order of name. */
export const channelsFor = async (
  definition: AnyDefinition,
  payload: GivenPayload,
  recipient: Recipient,
): Promise<readonly string[]> => {
  const { channels } = definition
  if (typeof channels !== 'function') return [...channels].sort()
  const fresh = await freshPayload(definition, 'channels', payload)
  const answer: unknown = await withinTime(definition, 'channels', () => channels({ payload: fresh, recipient }))
  if (!Array.isArray(answer)) throw new NotifierError(definition, 'channels', 'returned no list')
  for (const channel of answer) {
    if (typeof channel !== 'string' || !Object.hasOwn(definition.render, channel)) {
      const named = typeof channel === 'string' ? JSON.stringify(channel) : `a channel that is ${typeof channel}`
      throw new NotifierError(definition, 'channels', `returned ${named}, which has no render`)
    }
  }
  return [...new Set<string>(answer)].sort()
}

/** The answers to a workflow's named questions about one recipient. */
export const answersOf = async (
  definition: AnyDefinition,
  payload: GivenPayload,
  recipient: Recipient,
): Promise<Readonly<Record<string, boolean>>> => {
  const answers: Record<string, boolean> = {}
  for (const [name, test] of conditionTestsOf(definition)) {
    const member = `workflow.when ${JSON.stringify(name)}`
    const fresh = await freshPayload(definition, member, payload)
    const answer: unknown = await withinTime(definition, member, () => {
      const given: unknown = test({ payload: fresh, recipient })
      // One that is to be waited for would be taken for a yes.
      return isThenable(given) ? null : given
    })
    if (typeof answer !== 'boolean') throw new NotifierError(definition, member, 'answered neither true nor false')
    answers[name] = answer
  }
  return answers
}

/** One channel's content for one recipient, as its contract wants it. */
export const render = async (
  definition: AnyDefinition,
  {
    channel,
    stepKey = '',
    payload,
    recipient,
    contract,
  }: {
    channel: string
    /** The workflow step that it is for: its own render, where it has one, makes the content. */
    stepKey?: string
    payload: GivenPayload
    recipient: Recipient
    contract: z.ZodType
  },
): Promise<unknown> => {
  const ofStep = stepRenderOf(definition, stepKey)
  const member = ofStep ? `workflow.steps.${stepKey}.render` : `render.${channel}`
  const renders = ofStep ?? definition.render[channel]
  if (!renders) throw new NotifierError(definition, member, 'does not exist')
  // What is in an inbox stays there, and is shown again.
  const open = channel !== 'in_app'
  const seesSecrets = open && payload.secrets.length > 0
  const fresh = await (open ? openPayload : freshPayload)(definition, member, payload)
  const content = await withinTime(definition, member, () => renders({ payload: fresh, recipient }), seesSecrets)
  return checked(definition, member, { content, contract, seesSecrets })
}

/** Content as its channel's contract reads it. */
const checked = async (
  definition: AnyDefinition,
  member: string,
  {
    content,
    contract,
    seesSecrets,
  }: { readonly content: unknown; readonly contract: z.ZodType; readonly seesSecrets: boolean },
): Promise<unknown> => {
  // A contract may be a host's own code, and content so deep that walking it overflows the stack.
  const result = await withinTime(definition, member, () => parse(contract, content), seesSecrets)
  if (result.success) return result.data
  if (seesSecrets) {
    const problem =
      'returned content that does not fit its channel; how is not told, since that may quote a secret field'
    throw new NotifierError(definition, member, problem)
  }
  const [issue] = result.error.issues
  throw new NotifierError(
    definition,
    member,
    `returned content that does not fit: ${issue?.path.join('.') || 'content'}: ${issue?.message}`,
  )
}

/** One item of a digest, as it was given. */
export interface GivenItem {
  readonly payload: GivenPayload
  readonly insertedAt: Date
}

/** A digest's content for one recipient by its notifier's own `renderDigest`, as the channel's contract wants it. */
export const renderDigest = async (
  definition: AnyDefinition,
  {
    channel,
    items,
    contract,
    ...context
  }: Omit<DigestRenderContext<unknown>, 'items'> & {
    readonly channel: string
    readonly items: readonly GivenItem[]
    readonly contract: z.ZodType
  },
): Promise<unknown> => {
  const member = `renderDigest.${channel}`
  const renders = definition.renderDigest?.[channel]
  if (!renders) throw new NotifierError(definition, member, 'does not exist')
  const open = channel !== 'in_app'
  const seesSecrets = open && items.some(({ payload }) => payload.secrets.length > 0)
  const fresh: { payload: unknown; insertedAt: Date }[] = []
  for (const { payload, insertedAt } of items) {
    fresh.push({ payload: await (open ? openPayload : freshPayload)(definition, member, payload), insertedAt })
  }
  const content = await withinTime(definition, member, () => renders({ ...context, items: fresh }), seesSecrets)
  return checked(definition, member, { content, contract, seesSecrets })
}

/** What a notifier's own digest key may be: it tells buckets apart, and is shown. */
const digestKeyFault = (key: unknown): string | null => {
  if (typeof key !== 'string') return 'returned no text'
  if (key.trim() === '') return 'returned a blank key'
  const fault = idFault(key, [])
  return fault && `returned a key that ${fault.message}`
}

/** Whether the notifier asks for a channel's delivery to be held for a digest, and under which key; `null` where it does not. */
export const digestFor = async (
  definition: AnyDefinition,
  channel: string,
  { payload, recipient }: { readonly payload: GivenPayload; readonly recipient: Recipient },
): Promise<{ readonly key: string | null } | null> => {
  const declared = definition.digest?.[channel]
  if (!declared) return null
  const ask = async (member: string, call: (context: RenderContext<unknown>) => unknown): Promise<unknown> => {
    const fresh = await freshPayload(definition, member, payload)
    return withinTime(definition, member, () => call({ payload: fresh, recipient }))
  }
  const member = `digest.${channel}`
  if (declared.when && !(await ask(`${member}.when`, declared.when))) return null
  if (!declared.key) return { key: null }
  const key = await ask(`${member}.key`, declared.key)
  const fault = digestKeyFault(key)
  if (fault) throw new NotifierError(definition, `${member}.key`, fault)
  return { key: key as string }
}

/** Which template makes a channel's content. */
export const renderIdentity = (
  definition: AnyDefinition,
  channel: string,
): { readonly key: string; readonly version: number } => ({
  key: definition.renderKeys?.[channel]?.key ?? `${definition.key}.${channel}`,
  version: definition.renderKeys?.[channel]?.version ?? definition.version,
})
