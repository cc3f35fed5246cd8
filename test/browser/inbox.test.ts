import type { Browser, BrowserContext, Locator, Page, Route } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { type HttpServer, serveHttp } from '../../server/http/server.ts'
import { config, countUp } from '../client-sdk/service.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { persisted } from '../support/persisted.ts'
import { until } from '../support/until.ts'
import { launchChromium } from './support/chromium.ts'
import { type PageServer, servePage } from './support/page-server.ts'

// A browser on a busy machine takes its time; what is waited for is a fact, and comes.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let carillon: TestCarillon
/** Where nothing but what is listed may be asked for: the inbox asks for nothing else. */
let bound: HttpServer
let backend: CarillonClient
let browser: Browser
let pages: PageServer
let context: BrowserContext
let faults: string[]

beforeAll(async () => {
  ;[carillon, browser, pages] = await Promise.all([startCarillon(config), launchChromium(), servePage()])
  bound = await serveHttp(carillon.app, { host: '127.0.0.1', port: 0, persisted: await persisted('everyone') })
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
})
afterAll(async () => {
  await browser?.close()
  await pages?.close()
  await bound?.close()
  await carillon?.close()
})
beforeEach(async () => {
  faults = []
  context = await browser.newContext()
  context.setDefaultTimeout(60_000)
})
afterEach(async () => {
  await context.close()
  expect(faults).toEqual([])
})

const open = async (recipientId: string, parameters: Record<string, string> = { inbox: '' }): Promise<Page> => {
  const page = await context.newPage()
  page.on('pageerror', ({ message }) => faults.push(message))
  await page.goto(
    pages.urlOf({ url: `${bound.url}/graphql`, token: await carillon.tokenFor(recipientId), ...parameters }),
  )
  return page
}
const recipient = async (recipientId: string): Promise<CarillonClient> =>
  createClient({ url: carillon.graphqlUrl, token: await carillon.tokenFor(recipientId) })
const articles = (page: Page): Locator => page.getByRole('article')
const titles = (page: Page): Promise<string[]> => page.locator('.carillon-title').allTextContents()
const bell = (page: Page): Locator => page.getByRole('button', { name: /^Notifications/ })
const badgeSays = (page: Page, count: number): Promise<void> =>
  page.getByRole('button', { name: count === 0 ? /^Notifications$/ : `Notifications, ${count} unread` }).waitFor()
const unreadShown = (page: Page): Promise<number> => page.locator('article[data-unread]').count()

/** Stops the requests that carry this operation at the door, until they are let through. */
const hold = async (page: Page, operation: string) => {
  const held: Route[] = []
  let open = false
  await page.route('**/graphql', async (route) => {
    const holds = !open && route.request().postData()?.includes(`mutation ${operation}(`)
    if (holds) held.push(route)
    else await route.continue()
  })
  return {
    held: () => until(`${operation} is asked for`, () => held.length > 0),
    async release() {
      open = true
      for (const route of held.splice(0)) await route.continue()
    },
  }
}

test('a notification arrives: it stands in the list, the badge moves, and a screen reader is told', async () => {
  const page = await open('arrival')
  await page.getByText('Nothing here yet.').waitFor()
  await countUp(backend, { recipientId: 'arrival', to: 1 })
  await articles(page).waitFor()
  await badgeSays(page, 1)
  await page.getByRole('status').filter({ hasText: 'New notification: 0' }).waitFor({ state: 'attached' })
  expect(await page.getByRole('link', { name: 'Open' }).getAttribute('href')).toBe('https://example.test/0')
  const client = await recipient('arrival')
  await until('what is looked at counts as seen', async () => (await client.inbox()).counts.unseen === 0)
  expect((await client.inbox()).counts.unread).toBe(1)
})

test('marking all as read leaves alone what arrives while that is under way', async () => {
  await countUp(backend, { recipientId: 'busy', to: 5 })
  const page = await open('busy')
  await badgeSays(page, 5)
  const mark = await hold(page, 'MarkRead')
  await page.getByRole('button', { name: 'Mark all as read' }).click()
  await badgeSays(page, 0)
  await mark.held()
  await countUp(backend, { recipientId: 'busy', from: 5, to: 7 })
  await articles(page).nth(6).waitFor()
  await mark.release()
  await badgeSays(page, 2)
  const client = await recipient('busy')
  await until('the server has marked them', async () => (await client.inbox()).counts.unread === 2)
  expect(await titles(page)).toEqual(['Unread: 6', 'Unread: 5', '4', '3', '2', '1', '0'])
})

test('offline, marks show and are kept; back again, they are done, and what came meanwhile is there', async () => {
  await countUp(backend, { recipientId: 'train', to: 2 })
  const page = await open('train')
  await badgeSays(page, 2)
  await context.setOffline(true)
  await page.getByText('Offline. Trying to connect…').waitFor()
  await countUp(backend, { recipientId: 'train', from: 2, to: 4 })
  await articles(page).last().getByRole('button', { name: 'Mark as read' }).click()
  await badgeSays(page, 1)
  await context.setOffline(false)
  await badgeSays(page, 3)
  await page.getByText('Offline. Trying to connect…').waitFor({ state: 'detached' })
  const client = await recipient('train')
  await until('the mark has reached the server', async () => (await client.inbox()).counts.unread === 3)
  expect(await titles(page)).toEqual(['Unread: 3', 'Unread: 2', 'Unread: 1', '0'])
})

test('what is marked in one tab shows in the other, before the server has heard of it', async () => {
  await countUp(backend, { recipientId: 'tabs', to: 3 })
  const [one, other] = [await open('tabs'), await open('tabs')]
  await badgeSays(one, 3)
  await badgeSays(other, 3)
  await until('both tabs are live', () => carillon.app.hub.subscriberCount >= 2)
  const mark = await hold(one, 'MarkRead')
  await articles(one).first().getByRole('button', { name: 'Mark as read' }).click()
  await mark.held()
  await badgeSays(other, 2)
  expect((await (await recipient('tabs')).inbox()).counts.unread).toBe(3)
  await mark.release()
  const archive = await hold(other, 'Archive')
  await articles(other).last().getByRole('button', { name: 'Archive' }).click()
  await archive.held()
  await until('the other tab has put it away too', async () => (await articles(one).count()) === 2)
  await archive.release()
  const client = await recipient('tabs')
  await until('the server has it', async () => (await client.inbox()).counts.total === 2)
})

test('what the server refuses is taken back, and says so', async () => {
  await countUp(backend, { recipientId: 'refused', to: 1 })
  const page = await open('refused')
  await badgeSays(page, 1)
  await page.route('**/graphql', (route) =>
    route.request().postData()?.includes('mutation Archive(')
      ? route.fulfill({ json: { errors: [{ message: 'Not today', extensions: { code: 'FORBIDDEN' } }] } })
      : route.continue(),
  )
  await articles(page).getByRole('button', { name: 'Archive' }).click()
  await page.getByRole('alert').filter({ hasText: 'That was not done: Not today' }).waitFor()
  expect(await articles(page).count()).toBe(1)
  await badgeSays(page, 1)
})

test('everything is done by keyboard alone, and the focus is never lost', async () => {
  await countUp(backend, { recipientId: 'keys', to: 4 })
  const page = await open('keys', {})
  await badgeSays(page, 4)
  const focused = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '')
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key)
  }
  await press('Tab')
  expect(await focused()).toBe('Notifications, 4 unread')
  await press('Enter')
  await articles(page).first().waitFor()
  expect(await focused()).toBe('Notifications')
  // Mark all, close, four views, then the list: one stop.
  await press('Tab', 'Tab', 'Tab', 'Tab', 'Tab', 'Tab', 'Tab')
  expect(await focused()).toContain('Unread: 3')
  await press('ArrowDown', 'ArrowDown')
  expect(await focused()).toContain('Unread: 1')
  await press('Home')
  expect(await focused()).toContain('Unread: 3')
  await press('End')
  expect(await focused()).toContain('Unread: 0')
  await press('ArrowUp', 'Tab')
  expect(await focused()).toBe('Open')
  await press('Tab', 'Enter')
  await badgeSays(page, 3)
  expect(await focused()).toBe('Mark as unread')
  await press('Tab')
  expect(await focused()).toBe('Archive')
  await press('Enter')
  await until('the next one has the focus', async () => (await focused()).includes('Unread: 0'))
  await press('Escape')
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(await focused()).toBe('Notifications, 3 unread')
  const { counts } = await (await recipient('keys')).inbox()
  expect(counts).toMatchObject({ total: 3, unread: 3 })
})

test('the views show what they say, and the last one archived leaves the focus in the list', async () => {
  await countUp(backend, { recipientId: 'views', to: 2 })
  const page = await open('views')
  await articles(page).nth(1).waitFor()
  await articles(page)
    .first()
    .click({ position: { x: 5, y: 5 } })
  await badgeSays(page, 1)
  await page.getByRole('button', { name: 'Unread', exact: true }).click()
  await until('one is unread', async () => (await articles(page).count()) === 1)
  expect(await titles(page)).toEqual(['Unread: 0'])
  await page.getByRole('button', { name: 'Archived', exact: true }).click()
  await page.getByText('Nothing is archived.').waitFor()
  await page.getByRole('button', { name: 'All', exact: true }).click()
  await articles(page).first().getByRole('button', { name: 'Remind me tomorrow' }).click()
  await until('it is put away', async () => (await articles(page).count()) === 1)
  await page.getByRole('button', { name: 'Snoozed', exact: true }).click()
  await articles(page).getByRole('button', { name: 'Bring back now' }).click()
  await page.getByText('Nothing is snoozed.').waitFor()
  await page.getByRole('button', { name: 'All', exact: true }).click()
  for (const left of [1, 0]) {
    await articles(page).first().getByRole('button', { name: 'Archive' }).click()
    await until('it has gone', async () => (await articles(page).count()) === left)
  }
  const inside = await page.evaluate(() => document.activeElement?.closest('.carillon-inbox') !== null)
  expect(inside).toBe(true)
  await page.getByRole('button', { name: 'Archived', exact: true }).click()
  await until('both are archived', async () => (await articles(page).count()) === 2)
})

test('of 10,000 notifications those in sight are on the page, and the last one is a key away', async () => {
  const page = await open('many', { inbox: '', count: '10000' })
  await articles(page).first().waitFor()
  expect(await articles(page).count()).toBeLessThan(40)
  expect(await articles(page).first().getAttribute('aria-setsize')).toBe('10000')
  await articles(page).first().focus()
  await page.keyboard.press('End')
  await until('the last one has the focus', () =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-posinset') === '10000'),
  )
  expect(await articles(page).count()).toBeLessThan(40)
  await page.keyboard.press('ArrowUp')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-posinset'))).toBe('9999')
  expect(await titles(page)).toContain('Unread: Number 9998')
})

test('what is being read stays where it is when something arrives above it', async () => {
  const page = await open('reader', { inbox: '', count: '500' })
  await articles(page).first().waitFor()
  await page.locator('.carillon-feed').evaluate((feed) => {
    feed.scrollTop = 3_000
  })
  const topOf = (id: string): Promise<number | null> =>
    page.evaluate((wanted) => document.querySelector(`[data-id="${wanted}"]`)?.getBoundingClientRect().top ?? null, id)
  const seen = await until('it has scrolled', () =>
    page.evaluate(() => {
      const edge = document.querySelector('.carillon-feed')?.getBoundingClientRect().top ?? 0
      const below = [...document.querySelectorAll<HTMLElement>('article')].find(
        (article) => article.getBoundingClientRect().top > edge + 20,
      )
      return Number(below?.getAttribute('aria-posinset')) > 20 ? below?.dataset['id'] : null
    }),
  )
  const before = await topOf(seen)
  await countUp(backend, { recipientId: 'reader', to: 1 })
  await page.getByRole('button', { name: '1 new notification' }).waitFor()
  await until('it stands where it stood', async () => Math.abs(((await topOf(seen)) ?? 0) - (before ?? 0)) < 2)
  await page.getByRole('button', { name: '1 new notification' }).click()
  await page.getByText('Unread: 0', { exact: true }).waitFor()
})

test('every text and date is in the language that was asked for', async () => {
  await countUp(backend, { recipientId: 'german', to: 1 })
  const page = await open('german', { inbox: '', locale: 'de' })
  await page.getByRole('button', { name: 'Alle als gelesen markieren' }).waitFor()
  expect(await page.locator('time').innerText()).toMatch(/^(jetzt|vor)/)
  expect(await unreadShown(page)).toBe(1)
  expect(await bell(page).count()).toBe(1)
})

test('a switch in the preferences is the server’s in the end; one that it refuses goes back', async () => {
  const page = await open('chooser', { preferences: '' })
  const email = page.getByRole('switch', { name: 'Comment mentioned, E-mail' })
  await email.waitFor()
  await email.uncheck()
  const client = await recipient('chooser')
  await until('the server has it', async () => {
    const { effective } = await client.preferences()
    return effective.some(({ channel, enabled }) => channel === 'email' && !enabled)
  })
  await page.route('**/graphql', (route) =>
    route.fulfill({ json: { errors: [{ message: 'Not today', extensions: { code: 'FORBIDDEN' } }] } }),
  )
  await email.check({ force: true }).catch(() => {})
  await page.getByRole('alert').filter({ hasText: 'Not today' }).waitFor()
  expect(await email.isChecked()).toBe(false)
})
