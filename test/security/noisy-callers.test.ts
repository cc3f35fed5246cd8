import { afterAll, beforeAll, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { tallyOf } from './tally.ts'

const MOST = 12
const HOUR = { requests: MOST, seconds: 3_600 }

let carillon: TestCarillon
beforeAll(async () => {
  const requests = { perKey: HOUR, perRecipient: HOUR, refusedPerAddress: HOUR, proxies: 1 }
  carillon = await startCarillon({ notifiers: [] }, { door: { requests } })
})
afterAll(() => carillon.close())

const statusOf = async (credential: string, headers: Record<string, string> = {}): Promise<number> => {
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}`, ...headers },
    body: '{"query":"{ viewer { tenantId } }"}',
  })
  await response.body?.cancel()
  return response.status
}

test('S29: whoever asks for ten times what it may has what it may, and nobody else has less', async () => {
  const tally = tallyOf('S29')
  const loud = await carillon.addTenant('loud')
  const tokens = await Promise.all(
    ['loud', 'quiet'].map(async (recipientId) => {
      const made = await carillon.app.credentials.createRecipientToken({ tenantId: 'acme' }, { recipientId })
      return made.token
    }),
  )
  const [loudToken, quietToken] = tokens as [string, string]
  const socket = await openRawSocket(carillon.wsUrl, { token: loud.operatorKey })
  const counts = { key: 0, token: 0, address: 0, socket: 0 }
  for (let round = 0; round < MOST; round++) {
    const asks = Array.from({ length: 10 }, async (_, index) => {
      if ((await statusOf(loud.backendKey)) === 200) counts.key += 1
      if ((await statusOf(loudToken)) === 200) counts.token += 1
      const address = `2001:db9:7:7::${(round * 10 + index).toString(16)}`
      if ((await statusOf(`ck_${round}-${index}`, { 'x-forwarded-for': address })) === 401) counts.address += 1
      const id = `${round}-${index}`
      socket.subscribe(id, '{ viewer { tenantId } }')
      if ((await socket.message((message) => message.id === id)).type === 'next') counts.socket += 1
    })
    const quiet = round < MOST - 5 ? [statusOf(carillon.operatorKey), statusOf(quietToken)] : []
    for (const status of await Promise.all(quiet)) tally.tried('a quiet caller', status !== 200)
    await Promise.all(asks)
  }
  for (const [what, count] of Object.entries(counts)) {
    // To open the socket counted as one.
    tally.tried(`${count} by ${what}`, count !== (what === 'socket' ? MOST - 1 : MOST))
  }
  await socket.end()
  tally.report()
})
