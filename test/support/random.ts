/** Numbers that look random and are the same for the same seed. */
export interface Random {
  readonly seed: number
  /** In `[0, 1)`. */
  next(): number
  /** A whole number in `[0, below)`. */
  below(below: number): number
  chance(probability: number): boolean
  pick<T>(list: readonly T[]): T
  /** `count` different ones of a list, in no order. */
  sample<T>(list: readonly T[], count: number): T[]
}

export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    seed,
    next,
    below,
    chance: (probability) => next() < probability,
    pick: <T>(list: readonly T[]) => list[below(list.length)] as T,
    sample: <T>(list: readonly T[], count: number) => {
      const rest = [...list]
      return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(below(rest.length), 1)[0] as T)
    },
  }
}

/** Another seed in every run, printed, so that a run can be had again: `CARILLON_SEED=123 npx vitest run ...`. */
export const randomOfRun = (title: string, variable = 'CARILLON_SEED'): Random => {
  const given = Number(process.env[variable])
  const seed = Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 1e9)
  process.stdout.write(`${title}: ${variable}=${seed}\n`)
  return createRandom(seed)
}
