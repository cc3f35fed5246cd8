import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import type { Principal } from '../../server/core/principal.ts'
import { CarillonError } from '../../server/errors.ts'
import { createAdmission } from '../../server/http/admission.ts'
import { countRequests, NO_REQUEST_LIMITS, type RequestLimits } from '../../server/http/request-rates.ts'

const HOUR = 3_600
const ADDRESS = '198.51.100.7'
const recipient = (tenantId: string, recipientId: string): Principal => ({
  tenantId,
  recipientId,
  scopes: ['RECIPIENT'],
  expiresAt: null,
  grant: `tokens:${tenantId}:0`,
})
const KEY: Principal = {
  tenantId: 'acme',
  recipientId: null,
  scopes: ['TRIGGER'],
  expiresAt: null,
  grant: 'key:hash',
}

const PRINCIPALS: ReadonlyMap<string, Principal> = new Map([
  ['ck_one', KEY],
  ['ck_two', KEY],
  ['ada.first.token', recipient('acme', 'ada')],
  ['ada.second.token', recipient('acme', 'ada')],
  ['bob.first.token', recipient('acme', 'bob')],
  ['other.ada.token', recipient('other', 'ada')],
])

/** Of a database that knows these, and of which it is told when it is asked. */
const doorOf = (limits: Partial<RequestLimits>) => {
  const lookedUp: string[] = []
  const credentials = {
    async authenticate(credential: string, beforeLookUp?: () => Promise<void>) {
      await beforeLookUp?.()
      lookedUp.push(credential)
      if (credential === 'ck_of_a_dead_database') throw new Error('The database does not answer')
      return PRINCIPALS.get(credential) ?? null
    },
    wasValid: (credential: string) => Promise.resolve(credential === 'was.valid.once'),
  }
  const rates = countRequests({ ...NO_REQUEST_LIMITS, ...limits })
  const admit = createAdmission({ credentials }, rates)
  const answers = async (credential: string | null, address: string | null = ADDRESS): Promise<string> => {
    const answer = await admit(credential, address)
    return answer instanceof CarillonError ? answer.code : 'admitted'
  }
  return { admit, answers, rates, lookedUp }
}

test('who is known is let in as who they are, with what they came with', async () => {
  expect(await doorOf({}).admit('ck_one', ADDRESS)).toEqual({ principal: KEY, credential: 'ck_one' })
})

test('who is not known is refused, with or without a credential, and told apart', async () => {
  const { admit } = doorOf({})
  const [none, wrong] = [await admit(null, ADDRESS), await admit('ck_wrong', ADDRESS)]
  expect([none, wrong]).toEqual([expect.any(CarillonError), expect.any(CarillonError)])
  expect([none, wrong]).toMatchObject([{ code: 'UNAUTHENTICATED' }, { code: 'UNAUTHENTICATED' }])
  expect((none as CarillonError).message).not.toBe((wrong as CarillonError).message)
})

test('each key has its own requests, and waits for the window’s end after them', async () => {
  const { admit, answers } = doorOf({ perKey: { requests: 2, seconds: HOUR } })
  expect([await answers('ck_one'), await answers('ck_one'), await answers('ck_one')]).toEqual([
    'admitted',
    'admitted',
    'RATE_LIMITED',
  ])
  expect(await answers('ck_two')).toBe('admitted')
  const refusal = (await admit('ck_one', ADDRESS)) as CarillonError
  const wait = refusal.details.retryAfterSeconds as number
  expect(refusal.message).toBe(`This API key asks too often; try again in ${wait} s`)
  expect(wait).toBeGreaterThan(HOUR - 600)
  expect(wait).toBeLessThanOrEqual(HOUR)
  // A key's limit is none of a recipient's.
  for (let count = 0; count < 4; count++) expect(await answers('ada.first.token')).toBe('admitted')
})

test('a recipient has as many with all its tokens, and none of its namesake’s in another tenant', async () => {
  const { admit, answers } = doorOf({ perRecipient: { requests: 2, seconds: HOUR } })
  expect([await answers('ada.first.token'), await answers('ada.second.token')]).toEqual(['admitted', 'admitted'])
  expect([await answers('ada.first.token'), await answers('ada.second.token')]).toEqual([
    'RATE_LIMITED',
    'RATE_LIMITED',
  ])
  expect([await answers('bob.first.token'), await answers('other.ada.token')]).toEqual(['admitted', 'admitted'])
  expect(((await admit('ada.first.token', ADDRESS)) as CarillonError).message).toMatch(
    /^This recipient asks too often;/,
  )
  for (let count = 0; count < 4; count++) expect(await answers('ck_one')).toBe('admitted')
})

test('refusals are counted by address, whatever was tried, and nothing is looked up for one that has used them up', async () => {
  const { admit, answers, lookedUp } = doorOf({ refusedPerAddress: { requests: 3, seconds: HOUR } })
  expect([await answers(null), await answers('ck_wrong'), await answers('no.such.token')]).toEqual(
    Array(3).fill('UNAUTHENTICATED'),
  )
  expect(lookedUp).toEqual(['ck_wrong', 'no.such.token'])
  expect([await answers(null), await answers('ck_wrong'), await answers('ck_one')]).toEqual(
    Array(3).fill('RATE_LIMITED'),
  )
  expect(lookedUp).toHaveLength(2)
  const { message, details } = (await admit('ck_one', ADDRESS)) as CarillonError
  expect(message).toMatch(
    /^There were too many requests without a valid credential from this address; try again in \d+ s$/,
  )
  expect(details.retryAfterSeconds).toBeGreaterThan(HOUR - 600)
  expect([await answers('ck_one', '198.51.100.8'), await answers('ck_wrong', '198.51.100.8')]).toEqual([
    'admitted',
    'UNAUTHENTICATED',
  ])
})

test('who is valid uses none of the refusals of its address', async () => {
  const { answers } = doorOf({ refusedPerAddress: { requests: 1, seconds: HOUR } })
  for (let count = 0; count < 4; count++) expect(await answers('ck_one')).toBe('admitted')
  expect([await answers('ck_wrong'), await answers('ck_one')]).toEqual(['UNAUTHENTICATED', 'RATE_LIMITED'])
})

test('a token that was valid once is refused, and counts as no guess', async () => {
  const { answers } = doorOf({ refusedPerAddress: { requests: 1, seconds: HOUR } })
  for (let count = 0; count < 4; count++) expect(await answers('was.valid.once')).toBe('UNAUTHENTICATED')
  expect([await answers('ck_wrong'), await answers('ck_wrong')]).toEqual(['UNAUTHENTICATED', 'RATE_LIMITED'])
})

test('an address that cannot be told apart is not counted, since everybody may stand behind it', async () => {
  const { answers } = doorOf({ refusedPerAddress: { requests: 1, seconds: HOUR } })
  for (const credential of [null, null, 'ck_wrong', 'ck_wrong'])
    expect(await answers(credential, null)).toBe('UNAUTHENTICATED')
  expect(await answers('ck_one', null)).toBe('admitted')
})

test('without limits nobody is counted, and no address is looked at', async () => {
  const { answers, rates } = doorOf({})
  for (let count = 0; count < 20; count++) {
    expect([await answers('ck_one'), await answers('ada.first.token'), await answers(null)]).toEqual([
      'admitted',
      'admitted',
      'UNAUTHENTICATED',
    ])
  }
  expect(rates.addressOf({ socket: { remoteAddress: ADDRESS }, headers: {} } as IncomingMessage)).toBeNull()
})

test('with a limit the address is the socket’s, or the one that the proxies in front tell', () => {
  const request = { socket: { remoteAddress: ADDRESS }, headers: { 'x-forwarded-for': '203.0.113.5' } }
  const refusedPerAddress = { requests: 1, seconds: HOUR }
  const addressWith = (proxies: number) =>
    doorOf({ refusedPerAddress, proxies }).rates.addressOf(request as unknown as IncomingMessage)
  expect([addressWith(0), addressWith(1)]).toEqual([ADDRESS, '203.0.113.5'])
})

test('a failure of ours is no answer to who asks', async () => {
  await expect(doorOf({}).admit('ck_of_a_dead_database', ADDRESS)).rejects.toThrow('The database does not answer')
})
