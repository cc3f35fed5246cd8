import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Telemetry } from '../telemetry.ts'
import { countMoments } from './counted.ts'
import { lookAt, type Observed } from './looked-at.ts'
import { metricsIn } from './registry.ts'

/** Everything that is measured, in the format of Prometheus. */
export interface Metrics {
  readonly registry: Registry
  readonly contentType: string
  /** What stands now is asked of this service from now on, each time that somebody reads. */
  observe(app: Observed): void
  read(): Promise<string>
}

/** Measures from now on, into a registry of its own. `processMetrics`: memory, CPU, event loop and the like as well. */
export const createMetrics = (
  telemetry: Telemetry,
  { processMetrics = true }: { readonly processMetrics?: boolean } = {},
): Metrics => {
  const registry = new Registry()
  if (processMetrics) collectDefaultMetrics({ register: registry })
  const made = metricsIn(registry)
  countMoments(telemetry, made)
  const looked = lookAt(made)
  let look: (() => Promise<void>) | null = null
  return {
    registry,
    contentType: registry.contentType,
    observe(app) {
      look = looked(app)
    },
    async read() {
      await look?.()
      return registry.metrics()
    },
  }
}
