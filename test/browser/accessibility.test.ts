import { AxeBuilder } from '@axe-core/playwright'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createClient } from '../../client-sdk/index.ts'
import { config, countUp } from '../client-sdk/service.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { launchChromium } from './support/chromium.ts'
import { type PageServer, servePage } from './support/page-server.ts'

// A browser on a busy machine takes its time; what is waited for is a fact, and comes.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let carillon: TestCarillon
let browser: Browser
let pages: PageServer

beforeAll(async () => {
  ;[carillon, browser, pages] = await Promise.all([startCarillon(config), launchChromium(), servePage()])
  await countUp(createClient({ url: carillon.graphqlUrl, token: carillon.backendKey }), { recipientId: 'ann', to: 40 })
  await createClient({ url: carillon.graphqlUrl, token: await carillon.tokenFor('ann') }).markRead({
    filter: { seen: false },
  })
  await countUp(createClient({ url: carillon.graphqlUrl, token: carillon.backendKey }), {
    recipientId: 'ann',
    from: 40,
    to: 43,
  })
})
afterAll(async () => {
  await browser?.close()
  await pages?.close()
  await carillon?.close()
})

test.each(['light', 'dark'] as const)('axe finds nothing wrong, in %s', async (colorScheme) => {
  const context = await browser.newContext({ colorScheme })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const token = await carillon.tokenFor('ann')
  const faults: unknown[] = []
  const check = async (what: string): Promise<void> => {
    const { violations } = await new AxeBuilder({ page }).analyze()
    faults.push(...violations.map(({ id, nodes }) => ({ what, id, at: nodes.map(({ html }) => html) })))
  }
  await page.goto(pages.urlOf({ url: carillon.graphqlUrl, token, inbox: '', preferences: '' }))
  await page.getByRole('article').first().waitFor()
  await page.getByRole('switch').first().waitFor()
  await check('the inbox and the preferences')
  await page.getByRole('button', { name: 'Archived' }).click()
  await page.getByText('Nothing is archived.').waitFor()
  await check('an empty view')

  await page.goto(pages.urlOf({ url: carillon.graphqlUrl, token }))
  await page.getByRole('button', { name: /^Notifications/ }).click()
  await page.getByRole('article').first().waitFor()
  await context.setOffline(true)
  await page.getByText('Offline. Trying to connect…').waitFor()
  await check('the open bell, offline')
  await context.close()
  expect(faults).toEqual([])
})
