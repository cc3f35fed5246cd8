import type WebSocket from 'ws'
import { type Comparison, median, percentile } from '../measure.ts'
import { now, type Peer, startPeer } from './peer.ts'
import type { Moved } from './protocol.ts'

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

/** Milliseconds of each hand-over at a steady rate. */
const handOvers = async (peer: Peer): Promise<number[]> => {
  const times: number[] = []
  const sockets = await peer.open(LIVE, HANDED, (_, text) => {
    const at = now()
    for (const [, sent] of text.matchAll(/@([\d.]+)@/g)) times.push(at - Number(sent))
  })
  const rate = { perSecond: PER_SECOND, among: LIVE }
  await peer.ask({ name: 'hand-over', ...rate, seconds: 1 })
  await settled(() => times.length, PER_SECOND)
  times.length = 0
  await peer.ask({ name: 'hand-over', ...rate, seconds: SECONDS })
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

/**
 * Milliseconds from commit to arrival at a steady rate. The first inbox moves a hundred times a second, and is not
 * counted; with `stall` its socket is not read.
 */
const pushes = async (peer: Peer, { stall = false } = {}): Promise<number[]> => {
  const arrived = Array.from({ length: LIVE }, (): number[] => [])
  let count = 0
  const sockets = await peer.open(LIVE, INBOX, (index) => {
    arrived[index]?.push(now())
    if (index > 0) count += 1
  })
  if (stall) sockets[0]?.pause()
  const push = { name: 'push', perSecond: PER_SECOND, among: LIVE } as const
  const warm = await peer.ask<readonly Moved[]>({ ...push, seconds: 1 })
  await settled(() => count, warm.length)
  for (const list of arrived) list.length = 0
  count = 0
  const moved = await peer.ask<readonly Moved[]>({ ...push, seconds: SECONDS })
  await settled(() => count, moved.length)
  sockets[0]?.resume()
  await closeAll(sockets)
  // The nth arrival of one is of its nth move, where none was taken together with another.
  const begun = new Map<number, number[]>()
  for (const [index, at] of moved) begun.set(index, [...(begun.get(index) ?? []), at])
  return [...begun].flatMap(([index, starts]) => {
    const ends = arrived[index] as number[]
    return ends.length === starts.length ? ends.map((at, turn) => at - (starts[turn] as number)) : []
  })
}

const ratiosOf = ({ carillon, bare }: Figures): readonly number[] =>
  carillon.map((ours, index) => ours / (bare[index] as number))

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
        name,
        ratios: ratiosOf(found),
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
        async (kind) => percentiles(await handOvers(peers[kind])),
        {
          p50: { name: `from memory to a socket at ${rate}, p50`, unit: 'ms', goal: 2.5 },
          p99: { name: `from memory to a socket at ${rate}, p99`, unit: 'ms', goal: 5 },
        },
        'bare ws',
      )
    // Each inbox has something that can move.
    if (['push', 'move-all', 'stalled'].some(wanted)) {
      for (const peer of [peers.carillon, peers.bare]) await peer.ask({ name: 'fill', count: MOVED })
    }
    if (wanted('push'))
      await compare(
        async (kind) => percentiles(await pushes(peers[kind])),
        {
          p50: { name: `from commit to the inbox at ${rate}, p50`, unit: 'ms', goal: 2.5 },
          p99: { name: `from commit to the inbox at ${rate}, p99`, unit: 'ms', goal: 5 },
        },
        'one read by key, bare ws',
      )
    if (wanted('move-all')) {
      await compare(
        async (kind) => percentiles(await movedAll(peers[kind])),
        { p50: { name: `${MOVED} inboxes moved at once, p50 of arrival`, unit: 'ms', goal: 4 } },
        'as many sends on bare ws',
      )
    }
    if (wanted('stalled')) {
      const beside: Figures = { carillon: [], bare: [] }
      for (let round = 0; round < ROUNDS; round++) {
        beside.bare.push(percentile(await pushes(peers.carillon), 0.95))
        beside.carillon.push(percentile(await pushes(peers.carillon, { stall: true }), 0.95))
      }
      comparisons.push({
        name: "the others' p95 beside a reader that stalls",
        ratios: ratiosOf(beside),
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
