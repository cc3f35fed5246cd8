import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMetrics } from '../../server/metrics/metrics.ts'
import { createTelemetry } from '../../server/telemetry.ts'

interface Row {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
}

const byName = (a: Row, b: Row): number => a.name.localeCompare(b.name)

const documented = (): readonly Row[] => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
  return text.split('\n').flatMap((line) => {
    const [, name, type, labels = '', meaning] = line.split('|').map((cell) => cell.trim())
    if (!name?.startsWith('`carillon_') || !type || !meaning) return []
    return [
      {
        name: name.replaceAll('`', ''),
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1] as string).sort(),
      },
    ]
  })
}

test('every metric is in docs/metrics.md with its type and labels, and nothing else is', async () => {
  const { registry } = createMetrics(createTelemetry(), { processMetrics: false })
  const made = registry.getMetricsAsArray().map((metric): Row => {
    const { name, labelNames = [] } = metric as unknown as { name: string; labelNames?: string[] }
    return { name, type: metric.constructor.name.toLowerCase(), labels: labelNames.toSorted() }
  })
  expect(made.toSorted(byName)).toEqual(documented().toSorted(byName))
})
