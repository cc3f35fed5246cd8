import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

test('the example of docs/tracing.md, loaded before the service, shows its spans', async () => {
  const code = `const { startSpan } = await import('./server/tracing.ts'); startSpan('carillon.trigger', {}).end()`
  const args = ['--import', './docs/examples/tracing.mjs', '--import', 'tsx', '--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
  expect(stdout).toContain("name: 'carillon.trigger'")
  expect(stdout).toContain("'service.name': 'carillon'")
})
