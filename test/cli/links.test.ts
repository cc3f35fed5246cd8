import { afterEach, beforeEach, expect, test } from 'vitest'
import { serve } from '../../server/cli/serve.ts'
import { readEnvironment } from '../../server/environment.ts'
import { defineConfig, memory } from '../../server/index.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { invoice } from '../support/notifiers.ts'
import { until } from '../support/until.ts'

const mail = memory()
const config = defineConfig({ notifiers: [invoice], adapters: { email: mail } })
const secretKey = 'a-secret-key-for-tests-of-32-characters'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
  mail.clear()
})
afterEach(() => database.drop())

/** The link in a mail that such a server sends, and what is found there. */
const linkOf = async (publicUrl: string | null, linksToItself: boolean) => {
  const environment = { ...readEnvironment({ PORT: '0' }), publicUrl }
  const served = await serve(environment, { databaseUrl: database.url, config, secretKey, linksToItself })
  try {
    await ensureTenant(served.app, 'acme')
    const recipients = [{ id: 'ada', email: 'ada@example.test' }]
    const request = { notificationKey: 'invoice.sent', idempotencyKey: 'one', payload: { number: 1 }, recipients }
    await served.app.trigger({ tenantId: 'acme', request, path: ['input'] })
    const message = await until('the mail is sent', () => mail.messages[0])
    const link = message.unsubscribeUrl ?? null
    const found = link?.startsWith(served.http.url) ? (await fetch(link)).status : null
    return { link, found, own: served.http.url }
  } finally {
    await served.close()
  }
}

test('in development links lead to where the server listens, and work there', async () => {
  const { link, found, own } = await linkOf(null, true)
  expect(link?.slice(0, own.length + 13)).toBe(`${own}/unsubscribe/`)
  expect(found).toBe(200)
})

test('links lead to the public address where there is one', async () => {
  const { link } = await linkOf('https://notify.example.test', true)
  expect(link).toMatch(/^https:\/\/notify\.example\.test\/unsubscribe\/[\w-]+$/)
})

test('in production without a public address there are none', async () => {
  expect((await linkOf(null, false)).link).toBeNull()
})
