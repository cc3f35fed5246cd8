import { expect, test } from 'vitest'
import {
  type ProviderEvent,
  type WebhookRequest,
  WebhookSignatureError,
  WebhookUnavailableError,
} from '../../../server/adapters/adapter.ts'
import type { Receiver } from '../../../server/adapters/receivers/receiver.ts'

/** A moment at which the tests take place, in milliseconds and in seconds. */
export const NOW = Date.UTC(2026, 2, 1, 12)
export const SECONDS = NOW / 1_000
export const now = (): number => NOW

/** The opaque id of a delivery, as the server gives it out. */
export const DELIVERY_ID = Buffer.from('Delivery:0195a7c0-1111-7222-8333-444455556666').toString('base64url')

export interface Sent {
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly url?: string
}

export const requestOf = ({
  body,
  headers = {},
  url = 'https://notify.example.test/webhooks/acme/mail',
}: Sent): WebhookRequest => ({
  rawBody: typeof body === 'string' ? Buffer.from(body) : body,
  headers,
  url,
})

export const received = async (receiver: Receiver, sent: Sent): Promise<readonly ProviderEvent[]> =>
  receiver.receive(requestOf(sent))

export const failure = async (receiver: Receiver, sent: Sent): Promise<Error> => {
  try {
    await received(receiver, sent)
  } catch (error) {
    return error as Error
  }
  throw new Error('it was accepted')
}

/** What an error must not say: every header's value, and every word of the body that is longer than a few letters. */
const wordsOf = ({ body, headers = {} }: Sent): string[] =>
  [Buffer.from(body).toString('latin1'), ...Object.values(headers)]
    .flatMap((text) => (text ?? '').split(/[^A-Za-z0-9+/=_-]+/))
    .filter((word) => word.length > 12)

const expectSilence = (error: Error, sent: Sent): void => {
  for (const word of wordsOf(sent)) expect(error.message).not.toContain(word)
}

/** Makes each case a test that the request is refused as one whose sender is not known. */
export const testRefused = (receiver: Receiver, cases: Readonly<Record<string, Sent>>): void => {
  test('at least 15 ways to forge are tried', () => {
    expect(Object.keys(cases).length).toBeGreaterThanOrEqual(15)
  })
  test.each(Object.entries(cases))('refused: %s', async (_name, sent) => {
    const error = await failure(receiver, sent)
    expect(error).toBeInstanceOf(WebhookSignatureError)
    expectSilence(error, sent)
  })
}

/** Expects a request whose sender is known, and whose body cannot be read. */
export const expectUnreadable = async (receiver: Receiver, sent: Sent): Promise<void> => {
  const error = await failure(receiver, sent)
  expect(error).toBeInstanceOf(Error)
  expect(error).not.toBeInstanceOf(WebhookSignatureError)
  expect(error).not.toBeInstanceOf(SyntaxError)
  expect(error.message).not.toBe('it was accepted')
  expectSilence(error, sent)
}

/** Expects a request of which it cannot be told now who sent it: the provider is to send it again. */
export const expectUnavailable = async (receiver: Receiver, sent: Sent): Promise<void> => {
  const error = await failure(receiver, sent)
  expect(error).toBeInstanceOf(WebhookUnavailableError)
  expectSilence(error, sent)
}

/** Every body that differs from this one in one bit of one byte. */
export const withOneBitChanged = (body: string | Uint8Array): Uint8Array[] => {
  const bytes = Buffer.from(body)
  return Array.from(bytes, (byte, index) => {
    const changed = Buffer.from(bytes)
    changed[index] = byte ^ (1 << (index % 8))
    return changed
  })
}
