import { type IdRange, type Interval, idRangeOf } from '../core/id-range.ts'
import type { Capabilities } from './capabilities.ts'

/**
 * Between which ids those rows are that were inserted in an interval. Ids follow the time of day: where a clock is set by
 * hand they say nothing of its time, and there is no bound.
 */
export const idsInserted = ({ clock }: Pick<Capabilities, 'clock'>, interval: Interval): IdRange =>
  idRangeOf(clock.now() === null ? interval : { after: null, before: null })
