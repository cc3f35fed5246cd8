import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

const QUERY = `query ($at: DateTime!) {
  events(filter: { insertedAfter: $at, insertedBefore: $at }) { edges { cursor } }
  deliveries(filter: { insertedAfter: $at, insertedBefore: $at }) { edges { cursor } }
  outcomes(filter: { insertedAfter: $at, insertedBefore: $at }) { count }
  explainRecipient(recipientId: "ada", notificationKey: "x", since: $at) { finding }
}`

test.each(['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '1970-01-01T00:30:00Z', '9999-12-31T23:59:59.999Z'])(
  'an instant as far away as %s is asked for like any other',
  async (at) => {
    expect((await carillon.ask(carillon.operatorKey, QUERY, { at })).errors).toEqual([])
  },
)

test.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-23:00', '2026-02-30T00:00:00Z'])(
  '%s is refused as an instant that cannot be stored',
  async (at) => {
    const { errors } = await carillon.ask(carillon.operatorKey, QUERY, { at })
    expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['BAD_USER_INPUT'])
  },
)
