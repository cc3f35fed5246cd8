import { inboxName } from '../core/name-of.ts'
import type { Principal } from '../core/principal.ts'
import type { Credentials } from '../operations/credentials.ts'

/** How many streams there may be, and how they are kept. */
export interface StreamLimits {
  /** Sockets and streams of events that one recipient may have open at once, on one process; 50 by default. */
  readonly perRecipient?: number
  /** How long a socket may take to say whose it is, in milliseconds; 3,000 by default. */
  readonly initWithinMs?: number
  /** How often a socket is pinged; one that has not answered by the next time is ended. 12,000 by default. */
  readonly keepAliveMs?: number
  /** How often the credentials of open streams are looked at, which is how long a revoked one goes on; 5,000 by default. */
  readonly recheckKeysEveryMs?: number
}

export const DEFAULT_STREAM_LIMITS: Required<StreamLimits> = {
  perRecipient: 50,
  initWithinMs: 3_000,
  keepAliveMs: 12_000,
  recheckKeysEveryMs: 5_000,
}

/** By what it was opened. */
export interface Holder {
  readonly principal: Principal
  readonly credential: string
}

/** Something that stays open for as long as its credential is good. */
export interface Stream {
  /** Goes on by another credential of the same recipient. */
  renew(holder: Holder): void
  /** To be called once it has ended, whoever ended it. */
  close(): void
}

export interface Streams {
  /** Counts one more; `null` where its recipient has as many as it may. `end` is called when its credential ends. */
  open(holder: Holder, end: () => void): Stream | null
  close(): void
}

/** Longer than this a timer cannot be set; the end of a token is then looked at again. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** What is further off is first waited for in whole seconds: Node keeps a list for each duration that it is asked for. */
const WHOLE_MS = 1_000

/** What is open by a grant, which may end at any instant. */
type ByGrant = Map<string, Set<() => void>>

/** What is open. */
interface Book {
  readonly byGrant: ByGrant
  readonly counts: Map<string, number>
}

/** A class, since there are thousands of them. */
class OpenStream implements Stream {
  private readonly end: () => void
  private readonly byGrant: ByGrant
  private readonly recipient: string | null
  private readonly counts: Map<string, number>
  private timer: NodeJS.Timeout | null = null
  private grant: string | null = null
  private closed = false

  constructor(end: () => void, recipient: string | null, { byGrant, counts }: Book) {
    this.end = end
    this.recipient = recipient
    this.byGrant = byGrant
    this.counts = counts
  }

  renew({ principal: { expiresAt, grant } }: Holder): void {
    if (this.closed) return
    this.callOff()
    if (expiresAt) this.endAt(expiresAt.getTime())
    if (grant === null) return
    this.grant = grant
    const ends = this.byGrant.get(grant)
    if (ends) ends.add(this.end)
    else this.byGrant.set(grant, new Set([this.end]))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.callOff()
    if (this.recipient === null) return
    const left = (this.counts.get(this.recipient) ?? 1) - 1
    if (left > 0) this.counts.set(this.recipient, left)
    else this.counts.delete(this.recipient)
  }

  private endAt(instant: number): void {
    const left = instant - Date.now()
    const far = left > 2 * WHOLE_MS
    const wait = far ? Math.min(Math.floor(left / WHOLE_MS - 1) * WHOLE_MS, MAX_TIMER_MS) : Math.max(left, 0)
    this.timer = setTimeout(() => (far ? this.endAt(instant) : this.end()), wait)
  }

  private callOff(): void {
    if (this.timer) clearTimeout(this.timer)
    if (this.grant === null) return
    const ends = this.byGrant.get(this.grant)
    ends?.delete(this.end)
    if (ends?.size === 0) this.byGrant.delete(this.grant)
    this.grant = null
  }
}

/** Counts what stays open by recipient, and ends it with its credential: at its instant, when it is revoked, or when its tenant is disabled. */
export const openStreams = (
  credentials: Pick<Credentials, 'goodGrants'>,
  { perRecipient, recheckKeysEveryMs }: Pick<Required<StreamLimits>, 'perRecipient' | 'recheckKeysEveryMs'>,
): Streams => {
  const counts = new Map<string, number>()
  const byGrant: ByGrant = new Map()

  const recheck = async (): Promise<void> => {
    if (byGrant.size === 0) return
    const asked = [...byGrant]
    let good: ReadonlySet<string>
    try {
      good = await credentials.goodGrants(asked.map(([grant]) => grant))
    } catch {
      // While the database is away nothing is known against them.
      return
    }
    for (const [grant, ends] of asked) if (!good.has(grant)) for (const end of [...ends]) end()
  }
  const rechecking = setInterval(() => void recheck(), recheckKeysEveryMs).unref()

  return {
    open(holder, end) {
      const { tenantId, recipientId } = holder.principal
      // Keys are a backend's own, which has a socket for whatever it likes.
      const recipient = recipientId === null ? null : inboxName({ tenantId, recipientId })
      if (recipient !== null) {
        const count = counts.get(recipient) ?? 0
        if (count >= perRecipient) return null
        counts.set(recipient, count + 1)
      }
      const stream = new OpenStream(end, recipient, { byGrant, counts })
      stream.renew(holder)
      return stream
    },
    close: () => clearInterval(rechecking),
  }
}
