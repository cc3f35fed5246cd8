export interface ServiceSettings {
  readonly databaseUrl: string
  readonly secretKey: string
  readonly providerUrl: string
  /** What is over is pruned when it is this old, as if the days that it is kept for had gone by. */
  readonly prunedAfterMs: number
}

export type Question = 'sample' | 'prune'

/** What a process sees of itself; what happened is counted since it was last asked. */
export interface OwnSample {
  /** Bytes. */
  readonly rss: number
  readonly heapUsed: number
  /** What keeps it alive, by kind. */
  readonly handles: Readonly<Record<string, number>>
  /** Open files and sockets; 0 where the system does not say. */
  readonly descriptors: number
  /** The 99th percentile. */
  readonly loopDelayMs: number
  readonly claimsMs: readonly number[]
  readonly failures: readonly string[]
}

export type Answer = { readonly url: string } | { readonly sample: OwnSample } | { readonly pruned: number }
