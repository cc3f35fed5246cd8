import type { Writable } from 'node:stream'

/** Writes a byte (or a line) at a time, for as long as somebody listens. */
export const drip = (stream: Writable, drop: string): void => {
  const timer = setInterval(() => stream.write(drop), 10)
  stream.once('close', () => clearInterval(timer))
}

const FLOOD = Buffer.alloc(256 * 1024, 'x')

/** Writes as fast as it is read, for as long as somebody reads. */
export const pour = (stream: Writable): void => {
  while (!stream.destroyed && stream.write(FLOOD));
  if (!stream.destroyed) stream.once('drain', () => pour(stream))
}
