import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type HttpServer, serveHttp } from '../../server/http/server.ts'
import { createApiKey } from '../../server/operations/credentials.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { deliveriesOf, deliveryOf } from '../support/deliveries.ts'
import { invoice, mention } from '../support/notifiers.ts'
import { persisted } from '../support/persisted.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'
import { launchChromium } from './support/chromium.ts'
import { openConsole, testConsole } from './support/console.ts'

// A browser on a busy machine takes its time; what is waited for is a fact, and comes.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const mail = scripted('mail')
let carillon: TestCarillon
/** The same by a door where nothing but what is listed may be asked for: the console asks for nothing else. */
let bound: TestCarillon
let door: HttpServer
let browser: Browser
let mentionId: string

beforeAll(async () => {
  ;[carillon, browser] = await Promise.all([
    startCarillon({ notifiers: [mention, invoice], adapters: { email: mail } }),
    launchChromium(),
  ])
  const options = { host: '127.0.0.1', port: 0, pages: testConsole(), persisted: await persisted('everyone') }
  door = await serveHttp(carillon.app, options)
  bound = { ...carillon, graphqlUrl: `${door.url}/graphql` }
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'comment 17',
    correlationId: 'request-5',
    payload: { author: 'Zoe', text: 'Look' },
    recipients: [{ id: 'ada', email: 'ada@example.test', displayName: 'Ada' }, { id: 'bob' }],
  })
  mentionId = event.id
  await carillon.drainJobs()
})
afterAll(async () => {
  await browser?.close()
  await door?.close()
  await carillon?.close()
})

/** A bill that the provider refuses for good. */
const refusedBill = async (number: number) => {
  mail.next({ outcome: 'permanent', reason: 'mailbox is full of bills' })
  const recipients = [{ id: `payer-${number}`, email: `payer-${number}@example.test` }]
  const { event } = await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number }, recipients })
  await carillon.drainJobs()
  return { eventId: event.id, id: (await deliveryOf(carillon, { eventId: event.id })).id }
}

test('the door says what is wrong with a key, and keeps a good one in the tab, out of the address', async () => {
  const { page, context, faults } = await openConsole(browser, bound, { key: null })
  const signInWith = async (key: string): Promise<void> => {
    await page.getByLabel('Operator’s API key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await signInWith('ck_nonsense')
  await page.getByText('This key is not valid: it was revoked, or is of another installation.').waitFor()
  await signInWith(carillon.backendKey)
  await page.getByText('This key has scope TRIGGER; the console needs one with scope OPERATE.').waitFor()
  await context.setOffline(true)
  await signInWith(carillon.operatorKey)
  await page.getByText('The server is away: no answer came.').waitFor()
  await context.setOffline(false)
  await signInWith(carillon.operatorKey)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByText(carillon.tenantId, { exact: true }).waitFor()

  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  expect(page.url()).not.toContain(carillon.operatorKey)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Operator’s API key').waitFor()
  expect(await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])')).toBe(
    '[{},{},""]',
  )
  expect(faults).toEqual([])
  await context.close()
})

test('whose key is revoked is told so, and sees nothing more', async () => {
  const key = await createApiKey(carillon.app.db, { tenantId: carillon.tenantId, scopes: ['OPERATE'], label: 'gone' })
  const { page, context } = await openConsole(browser, bound, { key })
  await carillon.sql.query(`update api_key set revoked_at = now() where label = 'gone'`)
  // The overview looks again by itself, and the server knows within seconds.
  await page.getByText('This key is not valid any more: it was revoked.').waitFor()
  expect(await page.getByRole('heading', { name: 'Overview' }).count()).toBe(0)
  await context.close()
})

test('the page may run its own script and nothing else, and is in nobody’s frame', async () => {
  const { headers } = await fetch(new URL('/console', bound.graphqlUrl))
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("script-src 'self';")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toContain('unsafe-eval')
  const script = await fetch(new URL('/console/console.js', bound.graphqlUrl))
  const etag = script.headers.get('etag') ?? ''
  expect([script.status, etag]).toEqual([200, expect.stringMatching(/^".+"$/)])
  const again = await fetch(script.url, { headers: { 'if-none-match': etag } })
  expect(again.status).toBe(304)
})

test('a search for a person leads to a delivery’s story: what happened, why, and what would have sent it', async () => {
  const { page, context, faults } = await openConsole(browser, bound)
  const search = async (text: string): Promise<void> => {
    await page.getByRole('searchbox').fill(text)
    await page.getByRole('searchbox').press('Enter')
  }
  await search('bob')
  await page.getByRole('heading', { name: 'Latest deliveries to bob' }).waitFor()
  await page.getByRole('link', { name: 'comment.mentioned on email' }).click()
  await page.getByRole('heading', { name: 'comment.mentioned on email' }).waitFor()
  await page.getByText(/^Not sent: the recipient had no address for email/).waitFor()
  await page.getByText('Register an address of the recipient for email.').waitFor()
  await page.getByText('A rule stopped it.').waitFor()
  await page.getByText('The recipient has no address for this channel.').first().waitFor()
  await page.getByText('address stopped it').waitFor()

  const { id: deliveryId } = await deliveryOf(carillon, { eventId: mentionId, recipientId: 'ada', channel: 'email' })
  await search(deliveryId)
  await page.getByText(/^Sent at .* by mail, on try 1\.$/).waitFor()
  await search(Buffer.from(mentionId, 'base64url').toString().replace('Event:', ''))
  await page.getByRole('heading', { name: 'Event comment.mentioned' }).waitFor()
  await search('comment 17')
  await page.getByRole('heading', { name: 'The event with this idempotency key' }).waitFor()
  await search('request-5')
  await page.getByRole('heading', { name: 'Events with this correlation id' }).waitFor()
  await page.getByRole('link', { name: 'All their deliveries' }).click()
  await until('all four are listed', async () => (await page.getByRole('listitem').count()) === 4)
  await search('nothing at all')
  await page.getByText('No recipient begins with it').waitFor()
  expect(faults).toEqual([])
  await context.close()
})

test('a person’s page says why they got something, and why not', async () => {
  const { page, context, go, faults } = await openConsole(browser, bound)
  await go('#/recipient/ada')
  await page.getByText('ada@example.test').waitFor()
  await page.getByLabel('Notification').selectOption('invoice.sent')
  await page.getByRole('button', { name: 'Ask why' }).click()
  await page.getByText(/"invoice\.sent"/).waitFor()
  await page.getByLabel('Notification').selectOption('comment.mentioned')
  await page.getByRole('button', { name: 'Ask why' }).click()
  await page
    .getByText(/^Sent at .* by mail/)
    .first()
    .waitFor()
  expect(faults).toEqual([])
  await context.close()
})

test('what was given up is retried together, and each that cannot be is told of', async () => {
  const bills = [await refusedBill(1), await refusedBill(2), await refusedBill(3)]
  const stateOf = async (eventId: string) => (await deliveryOf(carillon, { eventId })).status
  const { page, context, faults } = await openConsole(browser, bound)
  await page.getByLabel('All on this page that can be retried').check()
  // Meanwhile somebody stops one of them for good.
  const cancel = 'mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { cancelledCount } }'
  await carillon.ok(carillon.backendKey, cancel, { input: { eventId: bills[2]?.eventId } })
  await page.getByLabel('Why, for the record').fill('the provider is well again')
  await page.getByRole('button', { name: 'Retry 3 deliveries' }).click()
  await page.getByText('Retried: 2 of 3, and 1 could not be.').waitFor()
  await page.getByText('Cannot retry this delivery: it belongs to an event that was cancelled').waitFor()
  await carillon.drainJobs()
  const states = await Promise.all(bills.map(({ eventId }) => stateOf(eventId)))
  expect(states).toEqual(['SUCCEEDED', 'SUCCEEDED', 'CANCELLED'])
  expect(faults).toEqual([])
  await context.close()
})

test('one delivery is retried after a second question, with the operator’s words in its timeline', async () => {
  const bill = await refusedBill(4)
  const { page, context, go } = await openConsole(browser, bound)
  await go(`#/delivery/${bill.id}`)
  await page.getByText('mailbox is full of bills').first().waitFor()
  await page.getByRole('button', { name: 'Retry…' }).click()
  await page.getByLabel('Why, for the record').fill('they paid for more room')
  await page.getByRole('button', { name: 'Retry it' }).click()
  await page.getByText('It is on its way again.').waitFor()
  await carillon.drainJobs()
  await page.getByText('they paid for more room').waitFor()
  await page.getByText(/^Sent at .* by mail, on try 2/).waitFor()
  expect(await page.getByRole('button', { name: 'Retry…' }).count()).toBe(0)
  await context.close()
})

test('what the server refuses meanwhile is told in its words, and what it takes is done', async () => {
  const bill = async (id: string) => {
    const recipients = [{ id, email: `${id}@example.test` }]
    const { event } = await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 9 }, recipients })
    return (await deliveryOf(carillon, { eventId: event.id })).id
  }
  const { page, context, go, faults } = await openConsole(browser, bound)
  const cancel = async (id: string, meanwhile: () => Promise<unknown>): Promise<void> => {
    await go(`#/delivery/${id}`)
    await page.getByText('It waits for a worker to take it.').waitFor()
    await page.getByRole('button', { name: 'Cancel…' }).click()
    await page.getByLabel('Why, for the record').fill('sent by mistake')
    await meanwhile()
    await page.getByRole('button', { name: 'Cancel it' }).click()
  }
  await cancel(await bill('too-late'), () => carillon.drainJobs())
  await page.getByRole('alert').getByText('Cannot cancel this delivery: it is succeeded').waitFor()
  const id = await bill('in-time')
  await cancel(id, async () => {})
  await page.getByText('It is cancelled.').waitFor()
  await page.getByText('sent by mistake').first().waitFor()
  const [stopped] = await deliveriesOf(carillon, { recipientId: 'in-time' })
  expect([stopped.id, stopped.suppressionReason]).toEqual([id, 'cancelled_by_operator'])
  expect(faults).toEqual([])
  await context.close()
})

test('a server that is away is said to be, and what was asked for comes when it is back', async () => {
  const { page, context, go } = await openConsole(browser, bound)
  await context.setOffline(true)
  await go('#/deliveries')
  await page.getByText('The server is away: no answer came.').waitFor()
  await context.setOffline(false)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('link', { name: 'comment.mentioned on email' }).first().waitFor()
  expect(await page.getByRole('alert').count()).toBe(0)
  await context.close()
})

test('a simulation tells what would happen to each, and writes nothing', async () => {
  const before = (await deliveriesOf(carillon, {})).length
  const { page, context, go, faults } = await openConsole(browser, bound)
  await go('#/simulate?key=comment.mentioned')
  await page.getByLabel('Recipients, beside those whom the notifier names').fill('ada, bob')
  await page.getByRole('button', { name: 'Simulate' }).click()
  const result = page.getByRole('region', { name: 'What would happen' })
  await result.getByRole('heading', { name: '2 recipients at' }).waitFor()
  await result.getByText('would be suppressed').waitFor()
  expect(await result.getByText('would be sent', { exact: true }).count()).toBe(3)
  await page.getByLabel('Payload').fill('{ "author": 5 }')
  await page.getByRole('button', { name: 'Simulate' }).click()
  await page
    .getByRole('alert')
    .getByText(/^author:/)
    .waitFor()
  await page.getByLabel('Payload').fill('{')
  await page.getByRole('button', { name: 'Simulate' }).click()
  await page.getByText('The payload is no JSON').waitFor()
  expect((await deliveriesOf(carillon, {})).length).toBe(before)
  expect(faults).toEqual([])
  await context.close()
})

test('a previewed e-mail shows as it looks, and can do nothing: no script, no picture from elsewhere', async () => {
  const { page, context, go, faults } = await openConsole(browser, bound)
  await go('#/preview?key=comment.mentioned')
  const text =
    '<b style="color: rgb(1, 2, 3)">Look</b><img src="https://spy.example.test/x.png"><script>top.hacked = 1</script>'
  await page.getByLabel('Payload').fill(JSON.stringify({ author: 'Zoe', text }))
  const refused = page.waitForEvent('requestfailed', (one) => one.url().startsWith('https://spy'))
  await page.getByRole('button', { name: 'Preview' }).click()
  await page.frameLocator('iframe').getByText('Look').waitFor()
  expect((await refused).failure()?.errorText).toBe('csp')
  expect(await page.evaluate('window.hacked')).toBeUndefined()
  // The browser complains of the script and the picture, and not of how the text looks.
  expect(faults.filter((fault) => fault.startsWith('asked for') || /style/i.test(fault))).toEqual([])
  await context.close()
})

test('the live tail shows what changes, stands still when told to, and catches up', async () => {
  const { page, context, go, faults } = await openConsole(browser, bound)
  const opened = page.waitForEvent('websocket')
  await go('#/live?key=comment.mentioned')
  const socket = await opened
  await until('it follows', async () => socket.isClosed() === false)
  const rows = page.getByRole('log').getByRole('listitem')
  const tell = async (id: string) => {
    await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Zoe' }, recipients: [{ id }] })
    await carillon.drainJobs()
  }
  await until(
    'the first change shows',
    async () => {
      await tell('tail-first')
      return (await rows.filter({ hasText: 'tail-first' }).count()) > 0
    },
    { every: 500, within: 60_000 },
  )
  await page.getByRole('button', { name: 'Pause' }).click()
  await tell('tail-second')
  await page.getByText(/^Standing still: [1-9]\d* changes? held back\.$/).waitFor()
  expect(await rows.filter({ hasText: 'tail-second' }).count()).toBe(0)
  await page.getByRole('button', { name: 'Pause' }).click()
  await rows.filter({ hasText: 'tail-second' }).first().waitFor()
  await page.getByRole('textbox', { name: 'Recipient' }).fill('tail-third')
  await page.getByRole('button', { name: 'Apply' }).click()
  await until(
    'only what fits shows',
    async () => {
      await tell('tail-second')
      await tell('tail-third')
      return (await rows.filter({ hasText: 'tail-third' }).count()) > 0
    },
    { every: 500, within: 60_000 },
  )
  expect(await rows.filter({ hasText: 'tail-second' }).count()).toBe(0)
  expect(faults).toEqual([])
  await context.close()
})
