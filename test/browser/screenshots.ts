import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { ask, readDevFile, startProcess } from '../cli/carillon-process.ts'
import { launchChromium } from './support/chromium.ts'

/** The pictures of the guides, of the demo and the console as they are now: `npm run screenshots`. */

const FOLDER = resolve(import.meta.dirname, '../../docs/images')
const NEWS = [
  { author: 'Grace', text: 'The figures of the third quarter are in.' },
  { author: 'Linus', text: 'Can you review this before noon?' },
  { author: 'Ada', text: 'Have a look at this' },
]

const tell = async (page: Page): Promise<void> => {
  await page.getByText('Somebody mentioned you in a comment.').waitFor()
  for (const news of NEWS) {
    const payload = { ...news, threadId: 't1', mentioned: ['bob', 'carol'] }
    await page.getByLabel('Payload').fill(JSON.stringify(payload, null, 2))
    await page.getByRole('button', { name: 'Trigger' }).click()
    await page.getByRole('article').filter({ hasText: news.text }).nth(1).waitFor()
  }
  await page.getByText('What would have sent it').nth(1).waitFor()
}

/** Somebody who switched one thing off, somebody without an address, and the hours in which it all came about. */
const NEWCOMERS = `mutation {
  upsertRecipients(input: { recipients: [
    { id: "bob", displayName: "Bob Bell", email: "bob@example.com", timeZone: "Europe/Berlin" }
    { id: "dan", displayName: "Dan Drum", email: "dan@example.com", phone: "+4930123456" }
  ] }) { recipients { id } }
  setPreferences(input: { recipientId: "bob", preferences: [{ category: "comments", channel: "email", enabled: false }] }) {
    preferences { recipientId }
  }
}`
const INVOICE = `mutation {
  trigger(input: { notificationKey: "invoice.paid", idempotencyKey: "invoice 81", correlationId: "order 4711",
    payload: { invoiceId: "81", amount: 2400, currency: "EUR" }, recipients: [{ id: "bob" }, { id: "dan" }] }) { event { id } }
}`

const look = async (page: Page, consoleUrl: string): Promise<void> => {
  await page.emulateMedia({ colorScheme: 'light' })
  await page.goto(consoleUrl)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('searchbox').fill('bob')
  await page.getByRole('searchbox').press('Enter')
  await page.getByRole('link', { name: 'comment.mentioned on email' }).first().click()
  await page.getByText('What every rule said').waitFor()
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(FOLDER, 'console.png'), animations: 'disabled' })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto(`${consoleUrl}#/deliveries`)
  await page.getByText('invoice.paid on sms').first().waitFor()
  await page.screenshot({ path: join(FOLDER, 'console-dark.png'), animations: 'disabled' })
}

const dataDir = await mkdtemp(join(tmpdir(), 'carillon-pictures-'))
await chmod(dataDir, 0o755)
await mkdir(FOLDER, { recursive: true })
const carillon = startProcess({ CARILLON_DATA_DIR: dataDir, PORT: '0' })
const browser = await launchChromium()
try {
  await carillon.ready
  const { graphqlUrl, operatorKey } = await readDevFile(dataDir)
  const url = graphqlUrl.replace('/graphql', '/demo')
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 })
  page.setDefaultTimeout(120_000)
  await page.goto(url)
  await tell(page)
  const carol = page.getByRole('region', { name: 'Carol’s page' })
  await carol.getByRole('button', { name: 'Mark as read' }).last().click()
  await carol.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor()
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(FOLDER, 'demo.png'), animations: 'disabled' })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: join(FOLDER, 'demo-dark.png'), animations: 'disabled' })
  await ask(graphqlUrl, operatorKey, NEWCOMERS)
  await ask(graphqlUrl, operatorKey, INVOICE)
  await page.goto(url)
  await tell(page)
  await look(page, graphqlUrl.replace('/graphql', '/console'))
} finally {
  await browser.close()
  await carillon.stop()
  await rm(dataDir, { recursive: true, force: true })
}
