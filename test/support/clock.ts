import type { Clock } from '../../server/clock.ts'

/** A clock that stands until it is moved. */
export class TestClock implements Clock {
  #now: Date

  constructor(start = '2026-01-15T12:00:00.000Z') {
    this.#now = new Date(start)
  }

  now(): Date {
    return new Date(this.#now)
  }

  set(instant: string): void {
    this.#now = new Date(instant)
  }

  advance(ms: number): void {
    this.#now = new Date(this.#now.getTime() + ms)
  }
}
