import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { bundlePage } from '../../../client-sdk/page-bundle.ts'
import { consolePages } from '../../../server/http/console.ts'
import { createTelemetry } from '../../../server/telemetry.ts'
import type { TestCarillon } from '../../support/carillon.ts'

/** The console's pages for a server of a test's, where people bring their own keys. */
export const testConsole = () =>
  new Map(
    consolePages({
      credential: null,
      loadBundle: () => bundlePage('console'),
      changing: false,
      telemetry: createTelemetry(),
    }),
  )

export interface OpenConsole {
  readonly context: BrowserContext
  readonly page: Page
  /** Goes to a page of it, such as `#/deliveries`. */
  go(hash: string): Promise<void>
  /** What went wrong unseen: exceptions, refused scripts, requests to elsewhere. */
  readonly faults: readonly string[]
}

export interface Visit {
  /** Signed in with this; `null` stands at the door. */
  readonly key?: string | null
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
}

/** Opens the console as somebody does who has signed in before. */
export const openConsole = async (
  browser: Browser,
  carillon: TestCarillon,
  { key = carillon.operatorKey, colorScheme = 'light', width = 1280 }: Visit = {},
): Promise<OpenConsole> => {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const origin = new URL('/', carillon.graphqlUrl).href
  const faults: string[] = []
  page.on('pageerror', ({ message }) => faults.push(message))
  page.on('console', (message) => {
    // What the server refuses is told on the page; the browser says it once more by itself.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(message.text())
  })
  // What the page's own policy refuses is begun for nobody.
  const leaves = (url: string): boolean => !url.startsWith(origin) && !/^(data|about):/.test(url)
  page.on('requestfinished', (one) => leaves(one.url()) && faults.push(`asked for ${one.url()}`))
  page.on('requestfailed', (one) => {
    if (leaves(one.url()) && one.failure()?.errorText !== 'csp') faults.push(`asked for ${one.url()}`)
  })
  const base = new URL('/console', carillon.graphqlUrl).href
  await page.goto(base)
  if (key !== null) {
    await page.getByLabel('Operator’s API key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  }
  return { context, page, faults, go: async (hash) => void (await page.goto(`${base}${hash}`)) }
}

/** What axe finds wrong with a page as it is. */
export const axeFindings = async (page: Page, what: string): Promise<unknown[]> => {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations.map(({ id, nodes }) => ({ what, id, at: nodes.map(({ html }) => html) }))
}
