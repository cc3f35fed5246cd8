import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createApp } from '../../server/app.ts'
import type { Retention } from '../../server/core/retention.ts'
import { databaseFailure } from '../../server/db/errors.ts'
import { serveHttp } from '../../server/http/server.ts'
import { createPrune } from '../../server/operations/retention/prune.ts'
import { peerConfig } from '../support/peer-config.ts'
import type { Answer, Question, ServiceSettings } from './protocol.ts'

/* The process that is watched: the whole service, which looks at itself when its parent asks it to. */

const DAY_MS = 86_400_000
const KEPT_DAYS = 7
const NOTHING_PRUNED: Retention = {
  events: null,
  archived: null,
  read: null,
  arrived: null,
  signals: null,
  reports: null,
}

const settings = JSON.parse(process.env['CARILLON_SOAK_SERVICE'] ?? '') as ServiceSettings
const tell = (answer: Answer): void => void process.send?.(answer)
process.on('disconnect', () => process.exit(1))

const app = await createApp({
  databaseUrl: settings.databaseUrl,
  secretKey: settings.secretKey,
  config: peerConfig({ pager: { kind: 'attempts', url: settings.providerUrl }, leaseFor: '30s' }),
})
const http = await serveHttp(app, { host: '127.0.0.1', port: 0 })
const failures: string[] = []
for (const moment of ['worker.failed', 'request.failed', 'bus.failed', 'notifier.failed'] as const) {
  app.telemetry.on(moment, ({ error }) => {
    // Whoever asked is told to come again, and counts it.
    if (databaseFailure(error) !== 'unavailable') failures.push(`${moment}: ${error.stack}`)
  })
}
let claims: number[] = []
app.telemetry.on('queue.looked_at', ({ durationMs: ms }) => void claims.push(ms))
/** Prunes as if so many days had gone by, less what is left to be young. */
const pruneIn = (days: number, retention: Partial<Retention>) => {
  const clock = { now: () => new Date(Date.now() + days * DAY_MS - settings.prunedAfterMs) }
  return createPrune({ ...app, clock }, { ...NOTHING_PRUNED, ...retention })
}
// What has left an inbox is known there for two days more.
const pruneItems = pruneIn(KEPT_DAYS, { arrived: KEPT_DAYS * DAY_MS })
const pruneEvents = pruneIn(KEPT_DAYS + 2, { events: (KEPT_DAYS + 2) * DAY_MS })
app.worker.start()

const loop = monitorEventLoopDelay({ resolution: 10 })
loop.enable()

const countByKind = (kinds: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

const lookAtItself = (): Answer => {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const answer: Answer = {
    sample: {
      rss,
      heapUsed,
      handles: countByKind(process.getActiveResourcesInfo()),
      descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
      loopDelayMs: loop.percentile(99) / 1e6,
      claimsMs: claims,
      failures: failures.splice(0),
    },
  }
  claims = []
  loop.reset()
  return answer
}

process.on('message', async (question: Question) => {
  if (question === 'sample') return tell(lookAtItself())
  await pruneItems()
  const { events } = await pruneEvents()
  tell({ pruned: events })
})
process.once('SIGTERM', async () => {
  await http.close()
  await app.close()
  process.removeAllListeners('disconnect')
  process.disconnect()
})
tell({ url: http.url })
