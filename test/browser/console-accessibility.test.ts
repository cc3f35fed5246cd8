import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { bucketOf, comment, comments, HOURLY } from '../support/digests.ts'
import { invoice } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'
import { invoiceOverdue } from '../support/workflows.ts'
import { launchChromium } from './support/chromium.ts'
import { axeFindings, openConsole, testConsole } from './support/console.ts'

// A browser on a busy machine takes its time; what is waited for is a fact, and comes.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const mail = scripted('mail')
let carillon: TestCarillon
let browser: Browser
/** Each page with something on it, and a text that shows when all of it is there. */
const pages: (readonly [hash: string, shows: string | RegExp])[] = []

const RUNS = '{ workflowRuns { edges { node { id } } } }'

beforeAll(async () => {
  ;[carillon, browser] = await Promise.all([
    startCarillon(
      {
        notifiers: [comment, invoice, invoiceOverdue],
        adapters: { email: mail, books: scripted('books') },
        digestRules: [HOURLY],
      },
      { door: { pages: testConsole() } },
    ),
    launchChromium(),
  ])
  await comments(carillon, ['first', 'second'])
  mail.next({ outcome: 'permanent', reason: 'mailbox full' })
  const bill = await trigger(carillon, {
    notificationKey: 'invoice.sent',
    correlationId: 'request-5',
    payload: { number: 1 },
    recipients: [{ id: 'bob', email: 'bob@example.test' }],
  })
  await trigger(carillon, {
    notificationKey: 'invoice.overdue',
    payload: { invoiceId: 'i1', amount: 5 },
    recipients: [{ id: 'bob' }],
  })
  await carillon.drainJobs()
  const refused = await deliveryOf(carillon, { eventId: bill.event.id })
  const bucket = await bucketOf(carillon, 'ada')
  const { workflowRuns } = await carillon.ok(carillon.operatorKey, RUNS)
  pages.push(
    ['#/overview', 'All on this page that can be retried'],
    ['#/deliveries', 'All on this page that can be retried'],
    [`#/delivery/${refused.id}`, 'What every rule said'],
    [`#/event/${bill.event.id}`, 'Payload'],
    ['#/recipient/bob', 'What they want to hear of'],
    [`#/bucket/${bucket.id}`, 'What it holds'],
    [`#/run/${workflowRuns.edges[0].node.id}`, 'How it moved'],
    ['#/search?q=request-5', 'Events with this correlation id'],
    ['#/simulate', 'What would happen shows here.'],
    ['#/preview', 'What it would look like shows here.'],
    ['#/live', 'Listening. Nothing has changed so far.'],
  )
})
afterAll(async () => {
  await browser?.close()
  await carillon?.close()
})

test.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 400],
] as const)(
  'axe finds nothing wrong with any page, in %s at %i pixels, and nothing sticks out',
  async (colorScheme, width) => {
    const { page, context, go, faults } = await openConsole(browser, carillon, { colorScheme, width })
    const findings: unknown[] = []
    for (const [hash, shows] of pages) {
      await go(hash)
      await page.getByText(shows).first().waitFor()
      findings.push(...(await axeFindings(page, hash)))
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      if (Number(wide) > width) findings.push(`${hash} is ${wide} pixels wide`)
    }
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Operator’s API key').waitFor()
    findings.push(...(await axeFindings(page, 'the door')))
    expect(findings).toEqual([])
    expect(faults).toEqual([])
    await context.close()
  },
)

test('a digest’s bucket and a workflow’s run are a link away from their deliveries', async () => {
  const { page, context, go } = await openConsole(browser, carillon)
  await go('#/recipient/ada')
  await page.getByRole('link', { name: 'comment.added on email' }).first().click()
  await page.getByText('It waits for its digest to close.').waitFor()
  await page.getByRole('link', { name: 'See its bucket' }).click()
  await page.getByRole('heading', { name: 'Digest bucket of comments-hourly' }).waitFor()
  expect(await page.getByRole('link', { name: 'comment.added' }).count()).toBe(2)
  await go('#/search?q=bob')
  await page.getByRole('link', { name: 'invoice.overdue on in_app' }).click()
  await page.getByRole('link', { name: 'invoice-dunning, waiting' }).click()
  await page.getByRole('heading', { name: 'Run of invoice-dunning' }).waitFor()
  await page.getByText(/or for invoice\.paid/).waitFor()
  await context.close()
})

/** Goes on from one thing to the next until that has the focus. */
const tabTo = async (page: Page, name: string | RegExp, role: 'link' | 'button' | 'searchbox' | 'textbox') => {
  const wanted = page.getByRole(role, { name }).first()
  await wanted.waitFor()
  for (let turn = 0; turn < 80; turn++) {
    if ((await wanted.and(page.locator(':focus')).count()) > 0) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`The focus never came to ${name}`)
}

const focused = (page: Page): Promise<unknown> => page.evaluate('document.activeElement?.textContent')

test('all of it works by keyboard alone, and each page begins at its heading', async () => {
  const { page, context } = await openConsole(browser, carillon, { key: null })
  await page.getByRole('button', { name: 'Sign in' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.type(carillon.operatorKey)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  expect(await focused(page)).toBe('Overview')

  await tabTo(page, /^Search/, 'searchbox')
  await page.keyboard.type('request-5')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Events with this correlation id' }).waitFor()
  expect(await focused(page)).toBe('“request-5”')
  await tabTo(page, 'invoice.sent', 'link')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Event invoice.sent' }).waitFor()
  expect(await focused(page)).toBe('Event invoice.sent')
  await tabTo(page, 'invoice.sent on email', 'link')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'invoice.sent on email' }).waitFor()
  await tabTo(page, 'Retry…', 'button')
  await page.keyboard.press('Enter')
  // The question has the focus at once.
  await page.keyboard.type('by keyboard')
  await page.keyboard.press('Enter')
  await page.getByText('It is on its way again.').waitFor()
  await context.close()
})
