import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createApp } from '../../server/app.ts'
import { durationMs } from '../../server/core/duration.ts'
import { serveHttp } from '../../server/http/server.ts'
import { createPrune } from '../../server/operations/retention/prune.ts'
import { peerConfig } from '../support/peer-config.ts'
import type { Answer, Question, ServiceSettings } from './protocol.ts'

/* The process that is watched: the whole service, which looks at itself when its parent asks it to. */

const KEPT = '7d'

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
  app.telemetry.on(moment, ({ error }) => void failures.push(`${moment}: ${error.stack}`))
}
let claims: number[] = []
app.telemetry.on('queue.looked_at', ({ durationMs: ms }) => void claims.push(ms))
const prune = createPrune(
  {
    ...app,
    clock: { now: () => new Date(Date.now() + (durationMs(KEPT) as number) - settings.prunedAfterMs) },
  },
  { events: durationMs(KEPT), archived: null, read: null, arrived: null, signals: null, reports: null },
)
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
  const pruned = await prune()
  tell({ pruned: pruned.events })
})
process.once('SIGTERM', async () => {
  await http.close()
  await app.close()
  process.removeAllListeners('disconnect')
  process.disconnect()
})
tell({ url: http.url })
