import { expect, test } from 'vitest'
import { inTransaction } from '../../server/db/transaction.ts'
import { startCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { trigger } from '../support/trigger.ts'

test('the server itself ends a statement that takes half a minute, on every connection', async () => {
  const carillon = await startCarillon({ notifiers: [greeting] })
  for (const pool of [carillon.app.db.system, carillon.app.db.tenant]) {
    expect((await pool.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '30s' }])
  }
  await carillon.close()
})

test('a connection that is lost in the midst of a transaction fails that alone, and the server goes on', async () => {
  const carillon = await startCarillon({ notifiers: [greeting] })
  const { system } = carillon.app.db
  const lost = inTransaction(system, async (tx) => {
    const [backend] = await tx.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' })
    // Nothing is being waited for when it goes: the loss is an event before it is an error.
    await carillon.sql.query('select pg_terminate_backend($1)', [backend?.pid])
    await tx.query({ text: 'select pg_sleep(1)' })
  })
  await expect(lost).rejects.toThrow()
  expect((await trigger(carillon)).event.status).toBe('PLANNED')
  await carillon.close()
})
