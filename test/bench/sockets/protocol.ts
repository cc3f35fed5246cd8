interface Rate {
  readonly perSecond: number
  readonly seconds: number
  /** To how many sockets, in turn. */
  readonly among: number
}

/** What the parent asks of a server under measurement. */
export type Command = { readonly id: number } & (
  | { readonly name: 'tokens'; readonly count: number }
  | { readonly name: 'rss' }
  | ({ readonly name: 'hand-over' | 'notify' } & Rate)
  | { readonly name: 'move-all'; readonly count: number }
)

export interface Reply {
  readonly id: number
  readonly value: unknown
}
