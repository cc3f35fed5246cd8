import type { z } from 'zod'
import type { Duration } from '../core/duration.ts'
import type { Recipient } from '../core/recipient.ts'
import type { ContentOf } from '../core/render-contracts.ts'
import type { WorkflowOutcome } from '../core/workflow/definition.ts'

export type Awaitable<T> = T | Promise<T>

export interface RenderContext<P> {
  readonly payload: P
  readonly recipient: Recipient
}
export interface DigestRenderContext<P> {
  /** Oldest first. */
  readonly items: readonly { readonly payload: P; readonly insertedAt: Date }[]
  readonly recipient: Recipient
  readonly windowStartsAt: Date
  readonly windowEndsAt: Date
}

/** A step's key, or `stop`. */
export type Target<S extends string> = S | 'stop'

/** Asked in order when the step's delivery is terminal; the first that fits decides; none: the run is completed. */
export type NextRule<P, S extends string> =
  | { on: WorkflowOutcome | readonly WorkflowOutcome[]; to: Target<S> }
  /** Named, and asked once, at the trigger. */
  | { when: string; test: (context: RenderContext<P>) => boolean; to: Target<S> }
  | { wait: Duration; signals?: readonly string[]; onSignal?: Target<S>; onTimeout: Target<S> }

export interface WorkflowStep<P, S extends string = string> {
  key: S
  channel: string
  /** This step's content, where it differs from the notifier's for that channel. */
  render?: (context: RenderContext<P>) => Awaitable<Record<string, unknown>>
  next?: readonly NextRule<P, S>[]
}

/** What the host says about one kind of notification. All of it is checked when the server starts. */
export interface NotifierDefinition<S extends z.ZodType, C extends string> {
  /** Stable identity of the data; never reuse one. */
  key: string
  /** Positive; raise it when the payload or the workflow changes. */
  version: number
  category?: string
  description?: string
  /** Recipients cannot switch it off; preferences and caps do not apply. */
  required?: boolean
  /** Ignores quiet hours. */
  urgent?: boolean
  payload: S
  /** Who, worked out from the payload. Left out: the caller of trigger says who. */
  recipients?: (context: { readonly payload: z.output<S> }) => Awaitable<readonly Recipient[]>
  channels: readonly C[] | ((context: RenderContext<z.output<S>>) => Awaitable<readonly C[]>)
  render: { [K in C]: (context: RenderContext<z.output<S>>) => Awaitable<ContentOf<K>> }
  /** Template identities, where they are not `<key>.<channel>` and the notifier's version. */
  renderKeys?: { [K in C]?: { key?: string; version?: number } }
  /** Hold a channel's deliveries for a digest: all, or those for which `when` says so. */
  digest?: {
    [K in C]?: {
      when?: (context: RenderContext<z.output<S>>) => boolean
      key?: (context: RenderContext<z.output<S>>) => string
    }
  }
  renderDigest?: { [K in C]?: (context: DigestRenderContext<z.output<S>>) => Awaitable<ContentOf<K>> }
  /** Send on this channel only if the notification is still unread after that time. */
  fallback?: { [K in C]?: { after: Duration } }
  /** Channels that only a workflow step uses belong in `channels` and `render`, and are not sent at the trigger. */
  workflow?: { key: string; version: number; steps: readonly WorkflowStep<z.output<S>>[] }
}

/** A notifier as the server handles it, its payload's type forgotten: whatever it is given has passed `payload`. */
// biome-ignore lint/suspicious/noExplicitAny: the definition's own types have been checked where it was written.
export type AnyDefinition = NotifierDefinition<any, string>

/** What `defineNotifier` gives; the server reads the definition behind it. */
export type Notifier = { readonly key: string; readonly version: number }

// A registered symbol, so that a notifier made by another copy of this package (a host's own install) is known too.
const DEFINITION = Symbol.for('carillon.notifier.definition')

/** Defines one kind of notification. Nothing is checked here but types: the server checks all of it when it starts. */
export function defineNotifier<S extends z.ZodType, const C extends string>(
  definition: NotifierDefinition<S, C>,
): Notifier {
  return Object.freeze({ key: definition.key, version: definition.version, [DEFINITION]: definition })
}

/** The definition behind a notifier; `null` where `defineNotifier` did not make it. */
export const definitionOf = (notifier: unknown): AnyDefinition | null =>
  (notifier as { [DEFINITION]?: AnyDefinition } | null | undefined)?.[DEFINITION] ?? null

/** The JSON Schema keyword that marks a secret field. */
export const SECRET_KEYWORD = 'x-carillon-secret'

/**
 * Marks a payload field as secret: sealed at rest, open to the renders of channels other than in_app alone, and erased
 * when nothing of its event is left to be sent. For fields of objects and items of lists, of any type; a transformation
 * belongs inside the mark, as in `secret(z.string().transform(...))`.
 */
export const secret = <T extends z.ZodType>(schema: T): T => schema.meta({ [SECRET_KEYWORD]: true })
