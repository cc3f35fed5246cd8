import { InvalidArgumentError } from 'commander'
import { durationMs } from '../core/duration.ts'
import { SetupError } from '../errors.ts'

/** What was typed makes no sense; the process ends with 2. */
export class UsageError extends SetupError {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** For an option that may be given several times. */
export const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

const readInstant = (value: string): Date | null => {
  const time = /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : null
  return time && !Number.isNaN(time.getTime()) ? time : null
}

/** For an option that is an instant, such as `2030-01-04T22:30:00Z`; answers it as the API writes it. */
export const instant = (value: string): string => {
  const time = readInstant(value)
  if (!time) throw new InvalidArgumentError('Write an instant such as 2030-01-04T22:30:00Z.')
  return time.toISOString()
}

/** For an option that is an instant to come, or how long until then: `2030-01-04T22:30:00Z`, `90d`. */
export const instantToCome = (value: string): Date => {
  const ms = durationMs(value)
  const time = ms === null ? readInstant(value) : new Date(Date.now() + ms)
  if (!time || !(time.getTime() > Date.now()) || time.getUTCFullYear() > 9999) {
    throw new InvalidArgumentError('Write an instant to come such as 2030-01-04T22:30:00Z, or a duration such as 90d.')
  }
  return time
}
