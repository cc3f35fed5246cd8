/** Guards that are mutated together, and the tests that are to notice. */
export interface Group {
  readonly name: string
  /** Files, or patterns of them. */
  readonly mutate: readonly string[]
  readonly tests: readonly string[]
  /** Whether the tests want a PostgreSQL. */
  readonly database: boolean
}

export const GROUPS: readonly Group[] = [
  {
    name: 'doors',
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
    database: false,
  },
  {
    name: 'credentials',
    mutate: ['server/operations/credentials.ts', 'server/operations/api-keys.ts'],
    tests: ['test/operations/credentials.test.ts'],
    database: true,
  },
  {
    name: 'policy',
    mutate: [
      'server/core/plan.ts',
      'server/core/policy.ts',
      'server/core/preference.ts',
      'server/core/delivery-cap.ts',
      'server/core/decision.ts',
      'server/core/rules/*.ts',
    ],
    tests: [
      'test/core/plan.test.ts',
      'test/core/plan-properties.test.ts',
      'test/core/preference.test.ts',
      'test/core/delivery-cap.test.ts',
      'test/core/decision.test.ts',
    ],
    database: false,
  },
  {
    name: 'times',
    mutate: [
      'server/core/quiet-hours.ts',
      'server/core/zoned-time.ts',
      'server/core/digest-rule.ts',
      'server/core/digest-window.ts',
    ],
    tests: [
      'test/core/zoned-time.test.ts',
      'test/core/quiet-hours.test.ts',
      'test/core/digest-rule.test.ts',
      'test/core/digest-window.test.ts',
    ],
    database: false,
  },
  {
    name: 'verify',
    mutate: ['server/adapters/receivers/*.ts'],
    tests: ['test/adapters/receivers/*.test.ts'],
    database: false,
  },
  {
    name: 'ids',
    mutate: [
      'server/core/cursor.ts',
      'server/core/node-id.ts',
      'server/core/unsubscribe-token.ts',
      'server/core/json-limits.ts',
    ],
    tests: [
      'test/core/cursor.test.ts',
      'test/core/node-id.test.ts',
      'test/core/unsubscribe-token.test.ts',
      'test/core/json-limits.test.ts',
    ],
    database: false,
  },
  {
    name: 'addresses',
    mutate: ['server/adapters/public-address.ts'],
    tests: ['test/adapters/public-address.test.ts'],
    database: false,
  },
  {
    name: 'leases',
    mutate: [
      'server/jobs/worker.ts',
      'server/operations/dispatch/leases.ts',
      'server/db/sql/claim-due.ts',
      'server/db/sql/renew-leases.ts',
    ],
    tests: ['test/jobs/worker.test.ts', 'test/operations/dispatch/leases.test.ts', 'test/db/claim-due.test.ts'],
    database: true,
  },
  {
    name: 'ends',
    mutate: [
      'server/core/settlement.ts',
      'server/core/retry.ts',
      'server/core/breaker.ts',
      'server/adapters/breakers.ts',
      'server/adapters/places.ts',
    ],
    tests: [
      'test/core/settlement.test.ts',
      'test/core/retry.test.ts',
      'test/core/breaker.test.ts',
      'test/adapters/breakers.test.ts',
      'test/adapters/places.test.ts',
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
