import type WebSocket from 'ws'
import { type Comparison, percentile } from '../measure.ts'
import { now, type Peer, startPeer } from './peer.ts'

/* Carillon's sockets beside a bare `ws` server in the same run, in turn. Quote the ratios, as ranges. */

const IDLE = Number(process.env['BENCH_SOCKETS'] ?? 5_000)
const FIRST = 1_000
const LIVE = 1_000
const MOVED = 5_000
const PER_SECOND = 1_000
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)

const INBOX = `subscription { inboxUpdates { cursor resync removedIds counts { total unread unseen }
  changed { id notificationKey arrivedAt seenAt readAt content { title body primaryAction { label url } } } } }`
const HANDED = 'subscription { handedOver }'

type Kind = 'carillon' | 'bare'
type Figures = Record<Kind, number[]>

const closeAll = (sockets: readonly WebSocket[]): Promise<unknown> =>
  Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve) => {
          if (socket.readyState === socket.CLOSED) return resolve(null)
          socket.once('close', resolve)
          socket.terminate()
        }),
    ),
  )

/** Until as many have arrived as were sent, or none comes any more. */
const settled = async (arrived: () => number, wanted: number): Promise<void> => {
  let before = -1
  while (arrived() < wanted && arrived() !== before) {
    before = arrived()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

/** Kilobytes of the server's memory for each socket that waits. Of a new process: what sockets have left behind is used again. */
const memory = async (peer: Peer): Promise<number> => {
  // What is compiled, cached and set aside once is paid by the first of them, which stay.
  const first = await peer.open(FIRST, INBOX, () => {})
  const before = await peer.ask<number>({ name: 'rss' })
  const sockets = await peer.open(IDLE, INBOX, () => {})
  const after = await peer.ask<number>({ name: 'rss' })
  await closeAll([...first, ...sockets])
  await peer.stop()
  return (after - before) / IDLE / 1024
}

/** Milliseconds of each push at a steady rate. */
const pushes = async (peer: Peer, name: 'hand-over' | 'notify'): Promise<number[]> => {
  const times: number[] = []
  const sockets = await peer.open(LIVE, name === 'notify' ? INBOX : HANDED, (_, text) => {
    const at = now()
    for (const [, sent] of text.matchAll(/@([\d.]+)@/g)) times.push(at - Number(sent))
  })
  const rate = { perSecond: PER_SECOND, among: LIVE }
  await peer.ask({ name, ...rate, seconds: 1 })
  await settled(() => times.length, PER_SECOND)
  times.length = 0
  await peer.ask({ name, ...rate, seconds: SECONDS })
  await settled(() => times.length, PER_SECOND * SECONDS)
  await closeAll(sockets)
  return times
}

/** Milliseconds until each of many has what is its own, when all move at once. */
const movedAll = async (peer: Peer): Promise<number[]> => {
  const arrivals: number[] = []
  const sockets = await peer.open(MOVED, INBOX, () => arrivals.push(now()))
  await peer.ask({ name: 'move-all', count: MOVED })
  await settled(() => arrivals.length, MOVED)
  arrivals.length = 0
  const began = await peer.ask<number>({ name: 'move-all', count: MOVED })
  await settled(() => arrivals.length, MOVED)
  await closeAll(sockets)
  if (arrivals.length < MOVED) throw new Error(`${arrivals.length} of ${MOVED} arrived`)
  return arrivals.map((at) => at - began)
}

/** The others' p95 while one socket of an inbox that moves all the time is not read. */
const besideStalled = async (peer: Peer, stall: boolean): Promise<number> => {
  const times: number[] = []
  const sockets = await peer.open(LIVE, INBOX, (index, text) => {
    if (index === 0) return
    const at = now()
    for (const [, sent] of text.matchAll(/@([\d.]+)@/g)) times.push(at - Number(sent))
  })
  if (stall) sockets[0]?.pause()
  // A tenth of it is for the one.
  const own = peer.ask({ name: 'notify', perSecond: PER_SECOND / 10, seconds: SECONDS, among: 1 })
  await peer.ask({ name: 'notify', perSecond: PER_SECOND / 2, seconds: SECONDS, among: LIVE })
  await own
  await settled(() => times.length, (PER_SECOND / 2) * SECONDS * (1 - 1 / LIVE))
  sockets[0]?.resume()
  await closeAll(sockets)
  return percentile(times, 0.95)
}

const median = (values: readonly number[]): number => percentile(values, 0.5)
const rangeOf = ({ carillon, bare }: Figures): string => {
  const ratios = carillon.map((ours, index) => ours / (bare[index] as number))
  return `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} in ${ratios.length} rounds`
}

export const compareSockets = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const peers = { carillon: await startPeer('carillon', databaseUrl), bare: await startPeer('bare', databaseUrl) }
  const wanted = (name: string): boolean => (process.argv[3] ?? name) === name
  const comparisons: Comparison[] = []

  const compare = async (
    measure: (kind: Kind) => Promise<Readonly<Record<string, number>>>,
    goals: Readonly<Record<string, { readonly name: string; readonly unit: string; readonly goal: number }>>,
    beside: string,
  ): Promise<void> => {
    const figures = new Map(Object.keys(goals).map((key): [string, Figures] => [key, { carillon: [], bare: [] }]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const kind of ['bare', 'carillon'] as const) {
        const result = await measure(kind)
        for (const [key, { [kind]: list }] of figures) list.push(result[key] as number)
      }
    }
    for (const [key, found] of figures) {
      const { name, unit, goal } = goals[key] as { name: string; unit: string; goal: number }
      comparisons.push({
        name: `${name} (${rangeOf(found)})`,
        unit,
        ours: median(found.carillon),
        limit: median(found.bare),
        beside,
        goal,
        good: 'at most',
      })
    }
  }

  try {
    if (wanted('memory'))
      await compare(
        async (kind) => ({ kb: await memory(await startPeer(kind, databaseUrl)) }),
        { kb: { name: `memory of an idle subscription, ${IDLE} of them`, unit: 'KB', goal: 2.5 } },
        'bare ws',
      )
    const percentiles = (times: readonly number[]) => ({ p50: percentile(times, 0.5), p99: percentile(times, 0.99) })
    const rate = `${PER_SECOND}/s to ${LIVE} sockets`
    if (wanted('hand-over'))
      await compare(
        async (kind) => percentiles(await pushes(peers[kind], 'hand-over')),
        {
          p50: { name: `from memory to a socket at ${rate}, p50`, unit: 'ms', goal: 2.5 },
          p99: { name: `from memory to a socket at ${rate}, p99`, unit: 'ms', goal: 5 },
        },
        'bare ws',
      )
    if (wanted('notify'))
      await compare(
        async (kind) => percentiles(await pushes(peers[kind], 'notify')),
        {
          p50: { name: `notification to its inbox at ${rate}, p50`, unit: 'ms', goal: 2.5 },
          p99: { name: `notification to its inbox at ${rate}, p99`, unit: 'ms', goal: 5 },
        },
        'one insert, one read by key, bare ws',
      )
    if (wanted('move-all')) {
      // Each inbox has something that can move.
      await peers.carillon.ask({ name: 'notify', perSecond: 1_000, seconds: MOVED / 1_000, among: MOVED })
      await compare(
        async (kind) => percentiles(await movedAll(peers[kind])),
        { p50: { name: `${MOVED} inboxes moved at once, p50 of arrival`, unit: 'ms', goal: 4 } },
        'as many sends on bare ws',
      )
    }
    if (wanted('stalled')) {
      const beside: Figures = { carillon: [], bare: [] }
      for (let round = 0; round < ROUNDS; round++) {
        beside.bare.push(await besideStalled(peers.carillon, false))
        beside.carillon.push(await besideStalled(peers.carillon, true))
      }
      comparisons.push({
        name: `the others' p95 beside a reader that stalls (${rangeOf(beside)})`,
        unit: 'ms',
        ours: median(beside.carillon),
        limit: median(beside.bare),
        beside: 'the same where it reads',
        goal: 1.1,
        good: 'at most',
      })
    }
    return comparisons
  } finally {
    await peers.carillon.stop()
    await peers.bare.stop()
  }
}
