import type { Adapter } from '../../adapters/adapter.ts'
import type { Routes } from '../../adapters/routing.ts'
import { type Finding, fault, look, ok } from './finding.ts'

const MOST_MS = 15_000

const adapterFinding = (adapter: Adapter, channels: readonly string[], timeoutMs: number): Promise<Finding> => {
  const name = `adapter ${adapter.name}`
  const carries = `carries ${channels.join(', ')}`
  const { check } = adapter
  if (!check) return Promise.resolve(ok(name, `${carries}; whether it works is seen when it sends`))
  return look(
    name,
    async (signal) => {
      try {
        return ok(name, `${carries}; ${await check.call(adapter, signal)}`)
      } catch (error) {
        const { message } = error as Error
        return fault(
          name,
          `${carries}; ${message}`,
          'Its deliveries are tried again until they give up: check its address and credentials, and that this machine may connect there',
        )
      }
    },
    { withinMs: Math.min(timeoutMs + 1_000, MOST_MS) },
  )
}

/** Whether the providers can be reached, of those adapters that can tell without sending. */
export const adapterFindings = async (routes: Routes): Promise<readonly Finding[]> => {
  const channels = new Map<Adapter, { readonly names: string[]; readonly timeoutMs: number }>()
  for (const [channel, { adapters }] of routes) {
    for (const { adapter, timeoutMs } of adapters) {
      const known = channels.get(adapter) ?? { names: [], timeoutMs }
      known.names.push(channel)
      channels.set(adapter, known)
    }
  }
  try {
    return await Promise.all(
      [...channels].map(([adapter, { names, timeoutMs }]) => adapterFinding(adapter, names, timeoutMs)),
    )
  } finally {
    for (const adapter of channels.keys()) await adapter.close?.()
  }
}
