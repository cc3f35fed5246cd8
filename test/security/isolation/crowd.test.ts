import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { notesConfig } from '../../realtime/notes.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { openRawSocket, type RawSocket } from '../../support/raw-socket.ts'
import { TRIGGER, triggerInput } from '../../support/trigger.ts'
import { until } from '../../support/until.ts'
import { tallyOf } from '../tally.ts'

const PEOPLE = 100
const NOTES = 150
const UPDATES = 'subscription { inboxUpdates { counts { total } changed { content { title } } } }'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(notesConfig)
})
afterAll(() => carillon.close())

const textsOf = ({ messages }: RawSocket): readonly string[] => JSON.stringify(messages).match(/to-[\d-]+-end/g) ?? []

test('S12: each of a hundred who listen hears what is for it, and nothing that is for another', async () => {
  const tally = tallyOf('S12')
  const ids = Array.from({ length: PEOPLE }, (_, index) => `p${index}`)
  const sockets = await Promise.all(
    ids.map(async (id) => {
      const socket = await openRawSocket(carillon.wsUrl, { token: await carillon.tokenFor(id) })
      socket.subscribe('1', UPDATES)
      await socket.message(({ type }) => type === 'next')
      return socket
    }),
  )
  // To one, to several, the same again, in any order, and some who leave and come back in between.
  const audience = fc.uniqueArray(fc.nat({ max: PEOPLE - 1 }), { minLength: 1, maxLength: 4 })
  const audiences = fc.sample(audience, { numRuns: NOTES, seed: 1 })
  const expected = ids.map((): string[] => [])
  await Promise.all(
    audiences.map(async (people, note) => {
      const text = `to-${note}-${people.join('-')}-end`
      for (const person of people) expected[person]?.push(text)
      const recipients = people.map((person) => ({ id: `p${person}` }))
      await carillon.ok(carillon.backendKey, TRIGGER, {
        input: triggerInput({ notificationKey: 'note', payload: { text }, recipients }),
      })
      if (note % 10 === 0) {
        const socket = sockets[note % PEOPLE]
        socket?.send({ type: 'complete', id: '1' })
        socket?.subscribe('1', UPDATES)
      }
    }),
  )
  for (const [person, socket] of sockets.entries()) {
    const own = new Set(expected[person])
    // Asked once more by itself, whoever left and came back between two notes has those of the meantime in its inbox.
    const total = () => Math.max(...socket.messages.map(({ payload }) => payload?.data?.inboxUpdates.counts.total ?? 0))
    await until(`p${person} has heard of all`, () => total() === own.size)
    for (const text of textsOf(socket)) tally.tried(`p${person} heard ${text}`, !own.has(text))
  }
  const heard = new Set(sockets.flatMap(textsOf))
  expect(heard.size).toBeGreaterThan(NOTES * 0.8)
  for (const socket of sockets) await socket.end()
  tally.report()
}, 60_000)
