import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')

const sources = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('generated'))
    .map((file) => join(folder, file))

const FILES = ['server', 'schema', 'client-sdk', 'prisma'].flatMap(sources)

interface Import {
  readonly from: string
  /** A file of the project's, or a package. */
  readonly to: string
  readonly typeOnly: boolean
}

const importsOf = (file: string): Import[] => {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return [...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)].map((match) => {
    const specifier = match[2] as string
    const to = specifier.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier
    return { from: file, to, typeOnly: match[1] !== undefined }
  })
}

const IMPORTS = FILES.flatMap(importsOf)

/** The rooms, each with those it may know. What is not named here stands in server/ itself and is checked below. */
const MAY_KNOW: Readonly<Record<string, readonly string[]>> = {
  'server/core': ['server/core', 'server/errors.ts'],
  'server/db': ['server/db', 'server/core', 'server/errors.ts', 'generated'],
  'server/adapters': ['server/adapters', 'server/core', 'server/errors.ts', 'server/config.ts'],
  'server/notifiers': ['server/notifiers', 'server/core', 'server/errors.ts', 'server/config.ts'],
  // For hosts' tests: what is under test there, and nothing that opens a database or a socket of the service.
  'server/testing': [
    'server/testing',
    'server/adapters',
    'server/notifiers',
    'server/core',
    'server/errors.ts',
    'server/config.ts',
  ],
  'server/realtime': ['server/realtime', 'server/core', 'server/db', 'server/errors.ts', 'server/telemetry.ts'],
  'server/operations': [
    'server/operations',
    'server/core',
    'server/db',
    'server/adapters',
    'server/notifiers',
    'server/realtime',
    'server/clock.ts',
    'server/errors.ts',
    'server/ids.ts',
    'server/telemetry.ts',
    'generated',
    'server/tracing.ts',
  ],
  'server/jobs': [
    'server/jobs',
    'server/operations',
    'server/core',
    'server/db',
    'server/adapters',
    'server/clock.ts',
    'server/telemetry.ts',
    'server/tracing.ts',
  ],
  schema: [
    'schema',
    'server/operations',
    'server/core',
    'server/db',
    'server/realtime',
    'server/errors.ts',
    'generated',
    'server/app.ts',
    'server/tracing.ts',
  ],
  'server/http': [
    'server/http',
    'schema',
    'server/operations',
    'server/core',
    'server/db',
    'server/errors.ts',
    'server/telemetry.ts',
    'server/app.ts',
    'server/tracing.ts',
  ],
  'client-sdk': ['client-sdk'],
  'client-sdk/inbox-store': [
    'client-sdk/inbox-store',
    'client-sdk/client.ts',
    'client-sdk/error.ts',
    'client-sdk/generated',
  ],
  prisma: ['prisma', 'server/errors.ts'],
}

const isProjectFile = (to: string): boolean => /^(server|schema|client-sdk|prisma|generated|test)\b/.test(to)
const isIn = (file: string, room: string): boolean => file === room || file.startsWith(`${room}/`)

test.each(Object.entries(MAY_KNOW))('%s knows nothing but what it may', (room, known) => {
  const strangers = IMPORTS.filter(
    ({ from, to }) => isIn(from, room) && isProjectFile(to) && !known.some((one) => isIn(to, one)),
  )
  expect(strangers.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
})

test('core is pure: no clock, no randomness, no environment, no I/O, nothing asynchronous', () => {
  const impure =
    /\bDate\.now\b|new Date\(\)|Math\.random|process\.|\bawait\b|\basync\b|setTimeout|setInterval|performance\.|fetch\(|from 'node:(?!crypto')|randomUUID|randomBytes/
  const found = sources('server/core').flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        impure.test(line.replace(/\/\/.*|^\s*\*.*|^\s*\/\*.*/, '')) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  )
  expect(found).toEqual([])
})

test('nothing goes round in circles', () => {
  const graph = new Map<string, string[]>()
  for (const { from, to } of IMPORTS.filter(({ to, typeOnly }) => isProjectFile(to) && !typeOnly)) {
    graph.set(from, [...(graph.get(from) ?? []), to])
  }
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) walk(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  expect(circles).toEqual([])
})

test('app.ts alone puts the service together', () => {
  const makers = IMPORTS.filter(
    ({ from, to, typeOnly }) => to === 'server/app.ts' && !typeOnly && !/^server\/(cli|app)/.test(from),
  )
  expect(makers.map(({ from }) => from)).toEqual([])
})

test('what hosts test with is no part of the service, and wants no test runner of theirs', () => {
  const room = 'server/testing'
  const users = IMPORTS.filter(({ from, to }) => isIn(to, room) && !isIn(from, room))
  expect(users.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
  const packages = IMPORTS.filter(({ from, to }) => isIn(from, room) && !isProjectFile(to) && !to.startsWith('node:'))
  expect([...new Set(packages.map(({ to }) => to))]).toEqual(['zod'])
})

test('React is for client-sdk/react, the demo and the console alone', () => {
  const knowing = IMPORTS.filter(({ to }) => /^react(-dom)?(\/|$)/.test(to)).map(({ from }) => from)
  expect(knowing.filter((from) => !/^client-sdk\/(react|demo|console)\//.test(from))).toEqual([])
  const leaning = IMPORTS.filter(
    ({ from, to }) => !/^client-sdk\/(react|demo|console)\//.test(from) && /^client-sdk\/react\//.test(to),
  )
  expect(leaning.map(({ from }) => from)).toEqual([])
})

test('no drawer for odds and ends', () => {
  expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|common|shared|misc)(\/|\.ts$)/.test(file))).toEqual([])
})

test('SQL takes bound values only', () => {
  const spliced = sources('server/db/sql').flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\$\{([^}]*)\}/g)]
      .map((match) => match[1] as string)
      // Constants of this folder, and parts of a statement chosen among constants.
      .filter(
        (expression) =>
          !/^[A-Z_]+$|^first( \+ \d)?$|^(set|where|selection|wait|row|queue)$|^counted\('\w+'\)$|^from === |^action$|^from$|^(type|given|table|parameter \+ index)$|^bytewiseFrom\(\d+\)$|^inboxFilterCondition\(\d+\)$/.test(
            expression,
          ),
      )
      .map((expression) => `${file}: ${expression}`),
  )
  expect(spliced).toEqual([])
})
