import { InvalidArgumentError } from 'commander'
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

/** For an option that is an instant, such as `2030-01-04T22:30:00Z`; answers it as the API writes it. */
export const instant = (value: string): string => {
  const time = /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : null
  if (!time || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('Write an instant such as 2030-01-04T22:30:00Z.')
  }
  return time.toISOString()
}
