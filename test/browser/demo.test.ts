import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type CarillonProcess, readDevFile, startProcess } from '../cli/carillon-process.ts'
import { createTestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { launchChromium } from './support/chromium.ts'

// A browser on a busy machine takes its time; what is waited for is a fact, and comes.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let dataDir: string
let carillon: CarillonProcess
let demoUrl: string
let browser: Browser

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'carillon-demo-'))
  await chmod(dataDir, 0o755)
  carillon = startProcess({ CARILLON_DATA_DIR: dataDir, PORT: '0' })
  ;[browser] = await Promise.all([launchChromium(), carillon.ready])
  demoUrl = (await readDevFile(dataDir)).graphqlUrl.replace('/graphql', '/demo')
})
afterAll(async () => {
  await browser?.close()
  await carillon?.stop('SIGTERM')
  await rm(dataDir, { recursive: true, force: true })
})

test('a newcomer presses one button, and sees it arrive at two people’s, and why', async () => {
  expect(carillon.output()).toContain(demoUrl)
  const context = await browser.newContext()
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const elsewhere: string[] = []
  const faults: string[] = []
  page.on('pageerror', ({ message }) => faults.push(message))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('request', (one) => {
    if (!one.url().startsWith(new URL('/', demoUrl).href) && !one.url().startsWith('data:')) elsewhere.push(one.url())
  })
  await page.goto(demoUrl)
  const bob = page.getByRole('region', { name: 'Bob’s page' })
  const carol = page.getByRole('region', { name: 'Carol’s page' })
  await bob.getByText('Nothing here yet.').waitFor()
  await page.getByRole('button', { name: 'Trigger' }).click()
  for (const desk of [bob, carol]) {
    await desk.getByRole('article').waitFor()
    await desk.getByRole('button', { name: 'Notifications, 1 unread' }).waitFor()
  }
  await page.getByText('What would have sent it: Register an address of the recipient for email.').first().waitFor()
  expect(await page.getByText(/^Arrived in the inbox at/).count()).toBe(2)

  await page.getByLabel('Carol', { exact: true }).uncheck()
  await page.getByRole('button', { name: 'Trigger' }).click()
  await bob.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor()
  await until(
    'it says what came of the second',
    async () => (await page.getByText(/^Arrived in the inbox/).count()) === 1,
  )
  expect(await carol.getByRole('article').count()).toBe(1)

  await bob.getByText('What Bob wants to hear of').click()
  await bob.getByRole('switch', { name: 'Comment mentioned, E-mail' }).waitFor()
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html) }))).toEqual([])
  expect(faults).toEqual([])
  expect(elsewhere).toEqual([])
  await context.close()
})

/** A page as somebody gets it who has pointed a name of their own at this machine. */
const underAnotherName = (url: string) =>
  new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve) =>
    request(url, { headers: { host: 'attacker.example:4000' } }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    }).end(),
  )

test('the demo, which has a key in it, is shown under a loopback name alone', async () => {
  expect((await underAnotherName(demoUrl)).status).toBe(403)
})

test('the console has the operator’s key filled in under a loopback name, and no key under another', async () => {
  const consoleUrl = demoUrl.replace('/demo', '/console')
  expect(carillon.output()).toContain(consoleUrl)
  const { operatorKey } = await readDevFile(dataDir)
  expect(await (await fetch(consoleUrl)).text()).toContain(operatorKey)
  const rebound = await underAnotherName(consoleUrl)
  expect(rebound.status).toBe(200)
  expect(rebound.text).not.toContain('ck_')
})

test('in production there is no demo and no GraphiQL, and the console brings no key', async () => {
  const database = await createTestDatabase()
  const production = startProcess(
    {
      DATABASE_URL: database.url,
      CARILLON_SECRET_KEY: 'a-secret-key-for-tests-of-32-characters',
      PORT: '0',
    },
    ['start'],
  )
  const url = await until('it listens', () => /listens at (\S+)\/graphql/.exec(production.output())?.[1])
  for (const path of ['/demo', '/demo/demo.js', '/demo/demo.css', '/graphiql']) {
    expect((await fetch(`${url}${path}`)).status).toBe(404)
  }
  const page = await fetch(`${url}/console/`)
  expect([page.status, new URL(page.url).pathname]).toEqual([200, '/console'])
  expect(await page.text()).not.toContain('ck_')
  expect(await (await fetch(`${url}/console/console.js`)).text()).toContain('Operator')
  expect(await production.stop('SIGTERM')).toBe(0)
  await database.drop()
})
