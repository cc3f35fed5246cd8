import { setTimeout as delay } from 'node:timers/promises'
import { type App, type AppOptions, createApp } from '../../server/app.ts'
import { databaseFailure } from '../../server/db/errors.ts'
import type { PeerMessage, PeerSettings } from './peer.ts'
import { peerConfig } from './peer-config.ts'

/*
 * One process of a fault test: the whole service. It is told what to be by its environment, says where it listens over
 * the channel to its parent, stops in order on SIGTERM, and goes when its parent does.
 */

const settings = JSON.parse(process.env['CARILLON_PEER'] ?? '') as PeerSettings
const tell = (message: PeerMessage): void => void (process.connected && process.send?.(message))

process.on('disconnect', () => process.exit(1))

/** Tried until the database is there, as whoever looks after processes would. */
const createAppInTime = async (options: AppOptions): Promise<App> => {
  for (;;) {
    try {
      return await createApp(options)
    } catch (error) {
      if (databaseFailure(error) !== 'unavailable') throw error
      await delay(100)
    }
  }
}

const app = await createAppInTime({
  databaseUrl: settings.databaseUrl,
  secretKey: settings.secretKey,
  config: peerConfig(settings),
  bus: 'postgres',
  connections: 5,
  pollEveryMs: 250,
})
for (const moment of ['worker.failed', 'request.failed', 'bus.failed', 'notifier.failed'] as const) {
  app.telemetry.on(moment, ({ error }) => tell({ failure: `${moment}: ${error.stack}` }))
}
for (const moment of ['adapter.misbehaved', 'attempt.unknown', 'result.too_late'] as const) {
  app.telemetry.on(moment, () => tell({ moment }))
}
/** Loaded where it is wanted alone: it is most of what there is to load. */
const openDoor = async () =>
  (await import('../../server/http/server.ts')).serveHttp(app, { host: '127.0.0.1', port: 0 })
const http = settings.door === false ? null : await openDoor()
if (settings.worker) app.worker.start()
process.on('message', (message) => {
  if (message === 'work') app.worker.start()
})

process.once('SIGTERM', async () => {
  await http?.close()
  await app.close()
  process.removeAllListeners('disconnect')
  process.disconnect()
})
tell({ url: http?.url ?? null })
