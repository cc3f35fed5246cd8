import { setTimeout as delay } from 'node:timers/promises'
import { type Peer, type PeerSettings, startPeer } from './peer.ts'
import type { Random } from './random.ts'
import { until } from './until.ts'

/** Workers, each a process, of which any may be killed at any time: others stand by to take its place. */
export interface WorkerPool {
  /** Kills one, puts another in its place, and resolves as soon as that works. */
  killOne(random: Random): Promise<void>
  /** How many ended without being told to. */
  readonly casualties: number
  close(): Promise<void>
}

export const startWorkerPool = async (
  settings: Omit<PeerSettings, 'worker' | 'door'>,
  { size, standingBy }: { readonly size: number; readonly standingBy: number },
): Promise<WorkerPool> => {
  const working: Peer[] = []
  const spares: Peer[] = []
  const killed = new Set<Peer>()
  const all: Peer[] = []
  let open = true
  let failure: unknown

  const keepSpares = async (): Promise<void> => {
    while (open) {
      if (spares.length >= standingBy) {
        await delay(20)
        continue
      }
      let peer: Peer
      try {
        peer = await startPeer({ ...settings, worker: false, door: false })
      } catch (error) {
        // The database may be away just then: whoever minds processes starts it again, and so is done here.
        failure = error
        await delay(100)
        continue
      }
      all.push(peer)
      spares.push(peer)
    }
  }
  const takeSpare = async (): Promise<Peer> => {
    const peer = await until('a worker stands by', () => spares.shift(), { within: 60_000, every: 5 }).catch(() => {
      throw new Error('No worker could be started', { cause: failure })
    })
    peer.work()
    return peer
  }

  const starting = keepSpares()
  while (working.length < size) working.push(await takeSpare())
  await until('others stand by', () => spares.length >= standingBy, { within: 60_000 })

  return {
    async killOne(random) {
      const index = random.below(working.length)
      const victim = working[index] as Peer
      killed.add(victim)
      await victim.end('SIGKILL')
      working[index] = await takeSpare()
    },
    get casualties() {
      return all.filter((peer) => peer.exit !== null && !killed.has(peer)).length
    },
    async close() {
      open = false
      await starting
      await Promise.all(
        all.map((peer) => {
          killed.add(peer)
          return peer.end('SIGKILL')
        }),
      )
    },
  }
}
