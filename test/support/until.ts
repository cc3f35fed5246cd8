import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  /** How long to go on asking, in milliseconds. 20,000 by default. */
  readonly within?: number
  /** How long to wait between two questions, in milliseconds. 20 by default. */
  readonly every?: number
}

/** Asks for a fact again and again, and resolves with it once it is there; rejects, naming it, where it never is. */
export const until = async <T>(
  what: string,
  fact: () => T | Promise<T>,
  { within = 20_000, every = 20 }: UntilOptions = {},
): Promise<NonNullable<Exclude<T, false>>> => {
  const deadline = performance.now() + within
  for (;;) {
    const answer = await fact()
    if (answer !== undefined && answer !== null && answer !== false) return answer as NonNullable<Exclude<T, false>>
    if (performance.now() > deadline) throw new Error(`Waited ${within} ms in vain until ${what}`)
    await delay(every)
  }
}
