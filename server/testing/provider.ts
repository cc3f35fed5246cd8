/** What every provider can do to an adapter. */
export const BEHAVIOURS = [
  'accepts',
  'refuses for good',
  'refuses for now',
  'says nothing',
  'drips its answer',
  'resets the connection',
  'answers nonsense',
  'answers ten megabytes',
  'answers without end',
  'refuses with all it was given',
] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

/** A provider on loopback that does as it is told; `httpProvider` makes one that speaks HTTP. */
export interface Provider {
  behave(behaviour: Behaviour): void
  /** The idempotency keys that it was given, in order; `null` where its protocol has none. */
  readonly keys: readonly string[] | null
  /** Settles when it has been called since it was last told how to behave. */
  called(): Promise<void>
  /** How many bytes it has written on all connections. */
  sent(): number
  close(): Promise<void>
}
