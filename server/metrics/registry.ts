import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Metrics that are made in one registry; each has its name, what it says, and its labels' names. */
export const metricsIn = (registry: Registry) => {
  const common = (name: string, help: string) => ({ name: `carillon_${name}`, help, registers: [registry] })
  return {
    counter: <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
      new Counter<Label>({ ...common(name, help), labelNames: [...labelNames] }),
    gauge: <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
      new Gauge<Label>({ ...common(name, help), labelNames: [...labelNames] }),
    histogram: <Label extends string>(
      name: string,
      help: string,
      { buckets, labelNames = [] }: { readonly buckets: readonly number[]; readonly labelNames?: readonly Label[] },
    ) => new Histogram<Label>({ ...common(name, help), labelNames: [...labelNames], buckets: [...buckets] }),
  }
}

export type Made = ReturnType<typeof metricsIn>

/** In seconds: from what a statement takes to what nobody waits for any more. */
export const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** In seconds: of providers. */
export const SLOW = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** How many at once. */
export const SIZES = [1, 2, 5, 10, 20, 50, 100, 200]
