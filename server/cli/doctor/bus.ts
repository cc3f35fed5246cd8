import type { Bus } from '../../realtime/bus.ts'
import { type Finding, ok } from './finding.ts'

/** Whether what one process says is heard by another: makes two of them, and lets the first speak. */
export const busFinding = async (carrier: string, open: () => Promise<Bus>): Promise<Finding> => {
  const [speaker, listener] = await Promise.all([open(), open()])
  try {
    const begun = performance.now()
    await new Promise<void>((resolve) => {
      // A hint that there may be work: workers that hear it take a look, and find what there is.
      listener.listen({
        workDue: resolve,
        inboxesMoved: () => {},
        deliveriesChanged: () => {},
        deliveriesTailed: () => {},
      })
      speaker.workDue()
    })
    return ok('bus', `${carrier}, heard within ${Math.ceil(performance.now() - begun)} ms`)
  } finally {
    await Promise.all([speaker.close(), listener.close()])
  }
}
