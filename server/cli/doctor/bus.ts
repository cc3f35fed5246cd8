import type { Bus } from '../../realtime/bus.ts'
import { type Finding, fault, ok } from './finding.ts'

const HEARD_WITHIN_MS = 5_000

/** Resolves with how long it took until one heard the other, in milliseconds; with `null` where it never did. */
const timeToHear = (speaker: Bus, listener: Bus): Promise<number | null> =>
  new Promise((resolve) => {
    const begun = performance.now()
    const timer = setTimeout(resolve, HEARD_WITHIN_MS, null)
    // A hint that there may be work: workers that hear it take a look, and find what there is.
    listener.listen({
      workDue: () => {
        clearTimeout(timer)
        resolve(performance.now() - begun)
      },
      inboxesMoved: () => {},
      deliveriesChanged: () => {},
      deliveriesTailed: () => {},
    })
    speaker.workDue()
  })

/** Whether what one process says is heard by another: makes two of them, and lets the first speak. */
export const busFinding = async (carrier: string, open: () => Promise<Bus>): Promise<Finding> => {
  const [speaker, listener] = await Promise.all([open(), open()])
  try {
    const ms = await timeToHear(speaker, listener)
    return ms === null
      ? fault(
          'bus',
          `${carrier}: what one connection said another did not hear within ${HEARD_WITHIN_MS / 1000} s`,
          'Updates of inboxes come late, and workers look once a second: a pooler that pools by transaction does that, so go round it, or set CARILLON_REDIS_URL',
        )
      : ok('bus', `${carrier}, heard within ${Math.ceil(ms)} ms`)
  } finally {
    await Promise.all([speaker.close(), listener.close()])
  }
}
