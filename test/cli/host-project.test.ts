import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A project of a host's own, with the package installed as it was built (npm run build). */
const ROOT = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
let host: string

const COMPILER_OPTIONS = {
  strict: true,
  module: 'nodenext',
  target: 'es2023',
  noEmit: true,
  types: [],
  jsx: 'react-jsx',
}

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
  await mkdir(join(host, 'node_modules/@types'))
  for (const name of ['react', '@types/react']) {
    await symlink(join(ROOT, 'node_modules', name), join(host, 'node_modules', name))
  }
  await writeFile(join(host, 'package.json'), '{ "type": "module" }')
  await writeFile(join(host, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['*.ts'] }))
})
afterAll(() => rm(host, { recursive: true, force: true }))

const typeCheck = async (folder = host): Promise<string> => {
  try {
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc')], { cwd: folder })
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

test("the guide's snippets for front ends type-check in a host's project, without Node's types", async () => {
  const folder = join(host, 'front-end')
  await mkdir(folder)
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }))
  await writeFile(
    join(folder, 'backend.d.ts'),
    'declare const process: { readonly env: Record<string, string | undefined> }',
  )
  const guide = await readFile(join(ROOT, 'docs/front-ends.md'), 'utf8')
  const snippets = [...guide.matchAll(/```(tsx?)\n([\s\S]*?)```/g)]
  expect(snippets).toHaveLength(5)
  for (const [index, [, ending, text = '']] of snippets.entries()) {
    await writeFile(join(folder, `snippet-${index}.${ending}`), text)
  }
  await writeFile(join(folder, 'wrong.tsx'), `import { useInbox } from 'carillon/react'\nuseInbox({ red: false })`)
  const faults = (await typeCheck(folder)).trim().split('\n')
  expect(faults[0]).toContain(
    "wrong.tsx(2,12): error TS2561: Object literal may only specify known properties, but 'red'",
  )
  expect(faults.filter((line) => line.includes('error'))).toHaveLength(1)
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
  expect(await names('carillon/client')).toEqual(
    expect.arrayContaining(['CarillonClientError', 'createClient', 'createInboxStore']),
  )
  expect(await names('carillon/react')).toEqual(expect.arrayContaining(['CarillonProvider', 'Inbox', 'useInbox']))
})
