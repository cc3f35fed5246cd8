import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

/** Random bytes are drawn for many ids at once: asking the system for each costs more than the rest of making one. */
const POOL = new Uint8Array(16 * 256)
let used = POOL.length

const draw = (): Uint8Array => {
  if (used === POOL.length) {
    randomFillSync(POOL)
    used = 0
  }
  used += 16
  return POOL.subarray(used - 16, used)
}

let msecs = 0
let seq = 0

/**
 * A new row's id. In the order of time, and within a millisecond in the order of making, so that newest first is an
 * order of ids and inserts stay at an index's end.
 */
export const newId = (): string => {
  const random = draw()
  const now = Date.now()
  if (now > msecs) {
    msecs = now
    // Half of the room is left to count on in.
    seq = ((random[6] as number) << 16) | ((random[7] as number) << 8) | (random[8] as number)
  } else seq += 1
  return v7({ random, msecs, seq })
}
