import { z } from 'zod'
import type { Recipient } from '../core/recipient.ts'
import type { AnyDefinition } from './notifier.ts'

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

const withinTime = async <T>(definition: AnyDefinition, member: string, call: () => T | Promise<T>): Promise<T> => {
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
    throw new NotifierError(definition, member, "failed; the server's log says how", { cause })
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
const parse = (schema: z.ZodType, value: unknown): Parsed | Promise<Parsed> => {
  const result = schema._zod.run({ value, issues: [] }, MAY_WAIT)
  return result instanceof Promise ? result.then(resultOf) : resultOf(result)
}

/** The payload as the notifier's functions see it, or what is wrong with it. */
export const parsePayload = (definition: AnyDefinition, payload: unknown) =>
  withinTime(definition, 'payload', () => parse(definition.payload, payload))

// Parsed anew for each function, so that none sees what another did to it.
const freshPayload = async (definition: AnyDefinition, member: string, payload: unknown): Promise<unknown> => {
  const parsed = await parsePayload(definition, payload)
  if (parsed.success) return parsed.data
  throw new NotifierError(definition, member, 'cannot be called: the stored payload no longer fits its schema')
}

/** Whom the notifier itself names; `null` where it leaves that to the caller. */
export const recipientsOf = async (
  definition: AnyDefinition,
  payload: unknown,
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
  payload: unknown,
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

/** One channel's content for one recipient, as its contract wants it. */
export const render = async (
  definition: AnyDefinition,
  {
    channel,
    payload,
    recipient,
    contract,
  }: { channel: string; payload: unknown; recipient: Recipient; contract: z.ZodType },
): Promise<unknown> => {
  const member = `render.${channel}`
  const renders = definition.render[channel]
  if (!renders) throw new NotifierError(definition, member, 'does not exist')
  const fresh = await freshPayload(definition, member, payload)
  const content = await withinTime(definition, member, () => renders({ payload: fresh, recipient }))
  // A contract may be a host's own code, and content so deep that walking it overflows the stack.
  const checked = await withinTime(definition, member, () => parse(contract, content))
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new NotifierError(
    definition,
    member,
    `returned content that does not fit: ${issue?.path.join('.') || 'content'}: ${issue?.message}`,
  )
}

/** Which template makes a channel's content. */
export const renderIdentity = (
  definition: AnyDefinition,
  channel: string,
): { readonly key: string; readonly version: number } => ({
  key: definition.renderKeys?.[channel]?.key ?? `${definition.key}.${channel}`,
  version: definition.renderKeys?.[channel]?.version ?? definition.version,
})
