/** Guards that are mutated together, and the tests that are to notice: all of these run for what is mutated in a constant. */
export interface Part {
  readonly mutate: readonly string[]
  readonly tests: readonly string[]
}

/** Guards of one kind, counted together. */
export interface Group {
  readonly name: string
  readonly parts: readonly Part[]
  /** Whether the tests want a PostgreSQL. */
  readonly database: boolean
}

/** A file of server/core with the test of its name, and others. */
const core = (name: string, ...others: readonly string[]): Part => ({
  mutate: [`server/core/${name}.ts`],
  tests: [name, ...others].map((test) => `test/core/${test}.test.ts`),
})

/** Files of the receivers, and the tests of some. */
const receivers = (files: readonly string[], tests: readonly string[]): Part => ({
  mutate: files.map((file) => `server/adapters/receivers/${file}.ts`),
  tests: tests.map((test) => `test/adapters/receivers/${test}.test.ts`),
})

export const GROUPS: readonly Group[] = [
  {
    name: 'doors',
    parts: [
      {
        mutate: [
          'server/http/auth.ts',
          'server/http/origins.ts',
          'server/http/remote-address.ts',
          'server/http/loopback.ts',
          'server/http/request-rates.ts',
          'server/http/admission.ts',
        ],
        tests: [
          'test/http/auth.test.ts',
          'test/http/origin-headers.test.ts',
          'test/http/remote-address.test.ts',
          'test/http/loopback.test.ts',
          'test/http/admission.test.ts',
        ],
      },
    ],
    database: false,
  },
  {
    name: 'credentials',
    parts: [
      {
        mutate: ['server/operations/credentials.ts', 'server/operations/api-keys.ts'],
        tests: ['test/operations/credentials.test.ts', 'test/operations/tenants/credentials.test.ts'],
      },
    ],
    database: true,
  },
  {
    name: 'verify',
    parts: [
      receivers(['mailgun'], ['mailgun']),
      receivers(['postmark'], ['postmark']),
      receivers(['sendgrid'], ['sendgrid']),
      receivers(['twilio'], ['twilio']),
      receivers(['ses', 'sns-download', 'sns-keys', 'sns-message'], ['ses', 'sns-download']),
      receivers(['resend', 'standard-webhooks', 'standard-signature'], ['resend', 'standard-webhooks']),
      receivers(['verification', 'payload'], ['mailgun', 'sendgrid', 'resend', 'standard-webhooks', 'twilio']),
    ],
    database: false,
  },
  {
    name: 'ids',
    parts: [core('cursor'), core('node-id'), core('unsubscribe-token'), core('json-limits')],
    database: false,
  },
  {
    name: 'addresses',
    parts: [{ mutate: ['server/adapters/public-address.ts'], tests: ['test/adapters/public-address.test.ts'] }],
    database: false,
  },
  {
    name: 'policy',
    parts: [
      {
        mutate: ['server/core/plan.ts', 'server/core/rules/*.ts'],
        tests: ['plan', 'plan-of-digests', 'plan-properties'].map((test) => `test/core/${test}.test.ts`),
      },
      core('policy'),
      core('preference', 'plan'),
      core('delivery-cap', 'plan'),
      core('decision'),
    ],
    database: false,
  },
  {
    name: 'times',
    parts: [core('zoned-time'), core('quiet-hours'), core('digest-rule'), core('digest-window')],
    database: false,
  },
  {
    name: 'leases',
    parts: [
      { mutate: ['server/jobs/worker.ts'], tests: ['test/jobs/worker.test.ts', 'test/jobs/turns.test.ts'] },
      {
        mutate: ['server/operations/dispatch/leases.ts', 'server/db/sql/claim-due.ts', 'server/db/sql/renew-leases.ts'],
        tests: ['test/operations/dispatch/leases.test.ts', 'test/db/claim-due.test.ts', 'test/jobs/worker.test.ts'],
      },
    ],
    database: true,
  },
  {
    name: 'turns',
    parts: [
      core('fair-shares'),
      { mutate: ['server/jobs/turns.ts', 'server/jobs/company.ts'], tests: ['test/jobs/turns.test.ts'] },
    ],
    database: false,
  },
  {
    name: 'ends',
    parts: [
      core('settlement'),
      core('retry'),
      core('breaker'),
      {
        mutate: ['server/adapters/breakers.ts', 'server/adapters/places.ts'],
        tests: ['test/adapters/breakers.test.ts', 'test/adapters/places.test.ts'],
      },
    ],
    database: false,
  },
]

/** The group of that name; throws where there is none, and says which there are. */
export const groupNamed = (name: string): Group => {
  const group = GROUPS.find((one) => one.name === name)
  if (group) return group
  throw new Error(`There is no group "${name}"; there are ${GROUPS.map((one) => one.name).join(', ')}`)
}
