/** A length of time: `90s`, `15m`, `2h`, `3d`. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of a duration; `null` where it is none. */
export const durationMs = (duration: string): number | null => {
  const match = /^(\d+(?:\.\d+)?)([smhd])$/.exec(duration)
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : null
}
