import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A project of a host's own, with the package installed as it was built (npm run build). */
const ROOT = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
let host: string

const CONFIG = `import { defineConfig, defineNotifier, log, smtp, webhook } from 'carillon'
import { z } from 'zod'

const orderShipped = defineNotifier({
  key: 'order.shipped',
  version: 1,
  payload: z.object({ orderId: z.string(), customerId: z.string() }),
  recipients: ({ payload }) => [{ id: payload.customerId }],
  channels: ['in_app', 'email', 'crm'],
  render: {
    in_app: ({ payload }) => ({ title: \`Order \${payload.orderId}\` }),
    email: ({ payload, recipient }) => ({ subject: 'Shipped', html: recipient.displayName ?? '', text: payload.orderId }),
    crm: ({ payload }) => ({ order: payload.orderId }),
  },
})

export default defineConfig({
  notifiers: [orderShipped],
  adapters: {
    email: smtp({ url: 'smtp://127.0.0.1:2525', from: 'Shop <no-reply@example.test>' }),
    crm: webhook({ url: 'https://crm.example.test/hook', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }),
    sms: log(),
  },
})
`

beforeAll(async () => {
  host = await mkdtemp(join(tmpdir(), 'carillon-host-'))
  await mkdir(join(host, 'node_modules'))
  await symlink(ROOT, join(host, 'node_modules/carillon'))
  await symlink(join(ROOT, 'node_modules/zod'), join(host, 'node_modules/zod'))
  await writeFile(join(host, 'package.json'), '{ "type": "module" }')
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2023', noEmit: true, types: [] }
  await writeFile(join(host, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
})
afterAll(() => rm(host, { recursive: true, force: true }))

const typeCheck = async (): Promise<string> => {
  try {
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc')], { cwd: host })
    return ''
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test("a configuration type-checks in a project of the host's own, and a wrong one does not", async () => {
  const file = join(host, 'carillon.config.ts')
  await writeFile(file, CONFIG)
  expect(await typeCheck()).toBe('')
  await writeFile(file, CONFIG.replace('payload.orderId}', 'payload.orderNumber}'))
  expect(await typeCheck()).toContain("'orderNumber' does not exist")
  await writeFile(file, CONFIG.replace("subject: 'Shipped', ", ''))
  expect(await typeCheck()).toContain("'subject' is missing")
})

test('the built package gives a host what its configuration and its front end import', async () => {
  const names = async (from: string): Promise<string[]> => {
    const script = `import('${from}').then((module) => console.log(JSON.stringify(Object.keys(module))))`
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: host })
    return JSON.parse(stdout)
  }
  expect(await names('carillon')).toEqual(
    expect.arrayContaining([
      'WebhookSignatureError',
      'defineConfig',
      'defineNotifier',
      'log',
      'memory',
      'secret',
      'smtp',
      'webhook',
    ]),
  )
  expect(await names('carillon/testing')).toEqual(
    expect.arrayContaining(['adapterContract', 'httpProvider', 'memory', 'sampleMessage', 'tryNotifier']),
  )
  expect(await names('carillon/client')).toEqual(expect.arrayContaining(['CarillonClientError', 'createClient']))
})
