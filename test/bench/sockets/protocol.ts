export interface Rate {
  readonly perSecond: number
  readonly seconds: number
  /** To how many sockets, in turn. */
  readonly among: number
}

/** What the parent asks of a server under measurement. */
export type Command = { readonly id: number } & (
  | { readonly name: 'tokens'; readonly count: number }
  | { readonly name: 'rss' }
  | ({ readonly name: 'hand-over' | 'push' } & Rate)
  | { readonly name: 'fill' | 'move-all'; readonly count: number }
)

/** Which socket's inbox moved, and when that was committed. */
export type Moved = readonly [index: number, at: number]

export interface Reply {
  readonly id: number
  readonly value: unknown
}
