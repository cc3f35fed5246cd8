import { compareBatches } from './batches.ts'
import { compareDeliveries } from './deliveries.ts'
import { compareDigests } from './digests.ts'
import { compareExplain } from './explain.ts'
import { compareFanOut } from './fan-out.ts'
import { compareHttp } from './http.ts'
import { compareInbox } from './inbox.ts'
import { compareLatency } from './latency.ts'
import { report, startDatabase, startServer } from './measure.ts'
import { compareNeighbours } from './neighbours.ts'
import { comparePush } from './push.ts'
import { compareRetention } from './retention.ts'
import { compareRuns } from './runs.ts'
import { compareSockets } from './sockets/compare.ts'

/* Every figure beside its limit in the same run: read the ratios, the machine makes the rest. */

const only = process.argv[2]
const wanted = (name: string): boolean => only === undefined || only === name

const database = await startDatabase()
const results: boolean[] = []
try {
  if (wanted('batches')) for (const one of await compareBatches(database.url)) results.push(report(one))
  if (wanted('fan-out')) for (const one of await compareFanOut(database.url)) results.push(report(one))
  if (wanted('deliveries')) for (const one of await compareDeliveries(database.url)) results.push(report(one))
  if (wanted('latency')) for (const one of await compareLatency(database.url)) results.push(report(one))
  if (wanted('neighbours')) for (const one of await compareNeighbours(database.url)) results.push(report(one))
  if (wanted('runs')) for (const one of await compareRuns(database.url)) results.push(report(one))
  if (wanted('digests')) for (const one of await compareDigests(database.url)) results.push(report(one))
  if (wanted('inbox')) for (const one of await compareInbox(database.url)) results.push(report(one))
  if (wanted('retention')) for (const one of await compareRetention(database.url)) results.push(report(one))
  if (wanted('sockets')) for (const one of await compareSockets(database.url)) results.push(report(one))
  const server = await startServer(database.url)
  try {
    if (wanted('http')) for (const one of await compareHttp(server)) results.push(report(one))
    if (wanted('push')) for (const one of await comparePush(server)) results.push(report(one))
    // Last: it fills the tables.
    if (wanted('explain')) for (const one of await compareExplain(server)) results.push(report(one))
  } finally {
    await server.stop()
  }
} finally {
  await database.stop()
}
process.exitCode = results.every(Boolean) ? 0 : 1
