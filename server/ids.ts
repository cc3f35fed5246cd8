import { v7 } from 'uuid'

/** A new row's id. In the order of time, so that newest first is an order of ids, and inserts stay at an index's end. */
export const newId = (): string => v7()
