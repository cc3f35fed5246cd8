import { expect, test } from 'vitest'
import { hashOf } from '../../server/cli/persisted-manifest.ts'
import { startCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { manifestOf, withFile } from '../support/persisted.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'
import { ask, PROCESS_TEST_MS, runCarillon, startProcess } from './carillon-process.ts'
import { typed } from './typed.ts'

const SECRET = { CARILLON_SECRET_KEY: 'a-secret-key-for-tests-of-32-characters' }
const WHO = 'query Who { viewer { tenantId } }'

test(
  'a service under `start` answers the listed alone where its environment says so, commands among them',
  async () => {
    const carillon = await startCarillon({ notifiers: [greeting] })
    try {
      await trigger(carillon)
      await carillon.drainJobs()
      await withFile(manifestOf(WHO), async (file) => {
        const service = startProcess(
          {
            ...SECRET,
            PORT: '0',
            DATABASE_URL: carillon.databaseUrl,
            CARILLON_PERSISTED_OPERATIONS: file,
            CARILLON_PERSISTED_OPERATIONS_ONLY: 'everyone',
          },
          ['start'],
        )
        try {
          const url = await until('it listens', () => /listens at (\S+)/.exec(service.output())?.[1])
          const codesOf = async (query: string) => {
            const { errors } = await ask(url, carillon.operatorKey, query)
            return (errors as readonly { extensions: { code: string } }[] | undefined)?.map(
              (one) => one.extensions.code,
            )
          }
          expect(await codesOf(WHO)).toBeUndefined()
          expect(await codesOf('{ viewer { tenantId } }')).toEqual(['PERSISTED_QUERY_ONLY'])
          const named = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json', authorization: `Bearer ${carillon.operatorKey}` },
            body: JSON.stringify({ documentId: `sha256:${hashOf(WHO)}` }),
          })
          expect(await named.json()).toEqual({ data: { viewer: { tenantId: 'acme' } } })
          const command = (...args: string[]) => typed([...args, '--url', url, '--key', carillon.operatorKey])
          const exported = await command('export', 'ada')
          expect([exported.code, JSON.parse(exported.stdout)]).toMatchObject([
            0,
            { recipientId: 'ada', notifications: [{ notificationKey: 'greeting' }] },
          ])
          const explained = await command('explain', '--recipient', 'ada', '--notification', 'greeting', '--json')
          expect([explained.code, JSON.parse(explained.stdout)]).toMatchObject([
            0,
            { recipientId: 'ada', explanations: [{ channel: 'in_app' }] },
          ])
        } finally {
          await service.stop()
        }
      })
    } finally {
      await carillon.close()
    }
  },
  PROCESS_TEST_MS,
)

test(
  'a service does not start on a file with a fault, and says so before it looks for its database',
  async () => {
    await withFile(JSON.stringify({ [hashOf('x')]: WHO }), async (file) => {
      const { code, stderr } = await runCarillon(['start'], {
        ...SECRET,
        DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
        CARILLON_PERSISTED_OPERATIONS: file,
      })
      expect(code).toBe(1)
      expect(stderr).toContain(`${file}: ${hashOf('x')} (query Who): the hash is not the SHA-256 of the text`)
    })
  },
  PROCESS_TEST_MS,
)
