import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyMigrations } from '../../prisma/migrate.ts'
import { packageRoot } from '../../prisma/package-root.ts'
import { unsuitableServer } from '../../prisma/server-requirements.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { SetupError } from '../../server/errors.ts'
import { chosenPostgres } from '../support/chosen-postgres.ts'

let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>
let scratch: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'carillon-migrate-'))
  postgres = await startEmbeddedPostgres({ dataDir: join(scratch, 'data'), ephemeral: true, ...chosenPostgres() })
}, 60_000)

afterAll(async () => {
  await postgres?.stop()
  await rm(scratch, { recursive: true, force: true })
})

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const query = async (url: string, sql: string): Promise<Record<string, unknown>[]> =>
  (await withClient(url, (client) => client.query(sql))).rows

let made = 0
const newDatabase = async (settings = ''): Promise<string> => {
  made += 1
  const name = `migrate_${made}`
  await query(postgres.url, `create database ${name} ${settings}`)
  const url = new URL(postgres.url)
  url.pathname = `/${name}`
  return url.href
}

const FIRST = '20260101000000_first'
const SECOND = '20260102000000_second'
const THIRD = '20260103000000_third'

const writeMigrations = async (directory: string, scripts: Record<string, string>): Promise<void> => {
  for (const [name, script] of Object.entries(scripts)) {
    await mkdir(join(directory, name), { recursive: true })
    await writeFile(join(directory, name, 'migration.sql'), script)
  }
}

const newDirectory = async (scripts: Record<string, string>): Promise<string> => {
  const directory = await mkdtemp(join(scratch, 'migrations-'))
  await writeMigrations(directory, scripts)
  return directory
}

const refusal = async (applying: Promise<unknown>): Promise<string> => {
  const error = await applying.then(
    () => expect.fail('was expected to be refused'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SetupError)
  return (error as SetupError).message
}

const tablesOf = async (url: string): Promise<unknown[]> =>
  (await query(url, "select tablename from pg_tables where schemaname = 'public' order by tablename")).map(
    ({ tablename }) => tablename,
  )

test('what is missing is applied, oldest first, and each is told of when it is there', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [SECOND]: 'insert into a values (2)', [FIRST]: 'create table a (n int)' })
  await writeFile(join(directory, 'migration_lock.toml'), 'provider = "postgresql"')
  const told: string[] = []

  expect(await applyMigrations(url, { directory, onApplied: (name) => told.push(name) })).toEqual([FIRST, SECOND])
  expect(told).toEqual([FIRST, SECOND])

  await writeMigrations(directory, { [THIRD]: 'insert into a values (3);' })
  expect(await applyMigrations(url, { directory })).toEqual([THIRD])
  expect(await applyMigrations(url, { directory })).toEqual([])
  expect(await query(url, 'select n from a order by n')).toEqual([{ n: 2 }, { n: 3 }])
})

test('a script reaches the server as it is, with the semicolons of its functions, texts and comments', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({
    [FIRST]: `
      -- a comment; with a semicolon
      create table a (said text default 'one; two');
      create function shout() returns trigger language plpgsql as $$
      begin
        new.said := upper(new.said) || ';';
        return new;
      end;
      $$;
      create trigger shout before insert on a for each row execute function shout();
      insert into a default values; -- and no newline at the end`,
  })
  await applyMigrations(url, { directory })
  expect(await query(url, 'select said from a')).toEqual([{ said: 'ONE; TWO;' }])
})

test('a migration that fails leaves nothing behind, not even a role, and those before it stay', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({
    [FIRST]: 'create table a (n int);',
    [SECOND]: 'create role half_done;\ncreate table b (n int);\ninsert into nowhere values (1);',
    [THIRD]: 'create table c (n int);',
  })
  const message = await refusal(applyMigrations(url, { directory }))
  expect(message).toContain(`${SECOND} failed at line 3`)
  expect(message).toContain('relation "nowhere" does not exist')
  expect(await tablesOf(url)).toEqual(['_prisma_migrations', 'a'])
  expect(await query(url, 'select migration_name from _prisma_migrations')).toEqual([{ migration_name: FIRST }])
  expect(await query(url, "select from pg_roles where rolname = 'half_done'")).toEqual([])

  await writeMigrations(directory, { [SECOND]: 'create table b (n int);' })
  expect(await applyMigrations(url, { directory })).toEqual([SECOND, THIRD])
})

test('a script that ends its transaction itself is refused, and so is everything after it', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int); commit; create table b (n int);' })
  expect(await refusal(applyMigrations(url, { directory }))).toContain(`${FIRST} ends its transaction itself`)
  expect(await refusal(applyMigrations(url, { directory }))).toContain(
    `${FIRST} was begun on this database and not fin`,
  )
})

test('a migration that was edited after it had been applied is refused by name, and nothing more is applied', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);\n' })
  await applyMigrations(url, { directory })
  await writeMigrations(directory, { [FIRST]: 'create table a (n bigint);\n', [SECOND]: 'create table b (n int);' })
  const message = await refusal(applyMigrations(url, { directory }))
  expect(message).toContain(`${FIRST} was edited`)
  expect(message).toContain('write another migration')
  expect(await tablesOf(url)).toEqual(['_prisma_migrations', 'a'])
})

test('line endings that git changed are no edit', async () => {
  const unix = 'create table a (n int);\ncreate table b (n int);\n'
  const windows = unix.replaceAll('\n', '\r\n')
  for (const [applied, present] of [
    [unix, windows],
    [windows, unix],
  ] as const) {
    const url = await newDatabase()
    await applyMigrations(url, { directory: await newDirectory({ [FIRST]: applied }) })
    expect(await applyMigrations(url, { directory: await newDirectory({ [FIRST]: present }) })).toEqual([])
  }
})

test('a database that is ahead of this version is refused, with the migration that is too new', async () => {
  const url = await newDatabase()
  await applyMigrations(url, { directory: await newDirectory({ [FIRST]: 'select 1', [SECOND]: 'select 1' }) })
  const message = await refusal(applyMigrations(url, { directory: await newDirectory({ [FIRST]: 'select 1' }) }))
  expect(message).toContain(SECOND)
  expect(message).toContain('Run that version or a later one')
})

test('what Prisma began and did not finish is refused, and what it marks as rolled back is applied', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);' })
  await applyMigrations(url, { directory })
  await writeMigrations(directory, { [SECOND]: 'create table b (n int);' })
  await query(
    url,
    `insert into _prisma_migrations (id, checksum, migration_name) values (gen_random_uuid(), 'x', '${SECOND}')`,
  )
  const message = await refusal(applyMigrations(url, { directory }))
  expect(message).toContain(`${SECOND} was begun on this database and not finished`)

  await query(url, `update _prisma_migrations set rolled_back_at = now() where migration_name = '${SECOND}'`)
  expect(await applyMigrations(url, { directory })).toEqual([SECOND])
})

test('three processes at once apply each migration once', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);', [SECOND]: 'insert into a values (1);' })
  const waiting = `select count(*)::int as n from pg_stat_activity
                    where datname = current_database() and query like '%pg_try_advisory_lock%' and pid <> pg_backend_pid()`

  const racing = await withClient(url, async (holder) => {
    await holder.query('select pg_advisory_lock(72707369)')
    const runs = Promise.all([1, 2, 3].map(() => applyMigrations(url, { directory })))
    await expect.poll(async () => (await holder.query(waiting)).rows, { timeout: 20_000 }).toEqual([{ n: 3 }])
    return { runs }
  })

  expect((await racing.runs).toSorted((one, other) => other.length - one.length)).toEqual([[FIRST, SECOND], [], []])
  expect(await query(url, 'select n from a')).toEqual([{ n: 1 }])
  expect(await query(url, 'select count(*)::int as n from _prisma_migrations')).toEqual([{ n: 2 }])
})

const OUTSIDE = `-- carillon: outside a transaction
-- Of all the rows; there are some.
create unique index concurrently if not exists "a_n" on a (n);
`

test('an index is made beside transactions that write and processes that wait for their turn, and is recorded as others are', async () => {
  const url = await newDatabase()
  await applyMigrations(url, { directory: await newDirectory({ [FIRST]: 'create table a (n int);' }) })
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);', [SECOND]: OUTSIDE, [THIRD]: 'select 1' })
  const runs = await withClient(url, async (writer) => {
    await writer.query('begin; insert into a values (1)')
    const runs = Promise.all([1, 2, 3].map(() => applyMigrations(url, { directory })))
    const waiting = `select from pg_stat_activity where datname = current_database() and query ilike '%concurrently%' and wait_event_type = 'Lock'`
    await expect.poll(async () => (await query(url, waiting)).length, { timeout: 20_000 }).toBe(1)
    await query(url, 'insert into a values (2)')
    await writer.query('commit')
    return { runs }
  })
  expect((await runs.runs).flat()).toEqual([SECOND, THIRD])
  expect(await query(url, `select indisvalid from pg_index where indexrelid = 'a_n'::regclass`)).toEqual([
    { indisvalid: true },
  ])
  expect(
    await query(
      url,
      'select migration_name as name from _prisma_migrations where finished_at is not null order by started_at',
    ),
  ).toEqual([{ name: FIRST }, { name: SECOND }, { name: THIRD }])
})

test('an index that was left half made is made anew', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int); insert into a values (1), (1);' })
  await applyMigrations(url, { directory })
  await writeMigrations(directory, { [SECOND]: OUTSIDE })
  expect(await refusal(applyMigrations(url, { directory }))).toContain('could not create unique index')
  const valid = `select indisvalid from pg_index where indexrelid = 'a_n'::regclass`
  expect(await query(url, valid)).toEqual([{ indisvalid: false }])
  await query(url, 'delete from a')
  expect(await applyMigrations(url, { directory })).toEqual([SECOND])
  expect(await query(url, valid)).toEqual([{ indisvalid: true }])
})

test.each([
  ['two statements', `${OUTSIDE}select 1;`],
  ['anything but such an index', '-- carillon: outside a transaction\nalter table a add column m int;'],
])('a script that is to run outside a transaction and has %s is refused', async (_, script) => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);', [SECOND]: script })
  expect(await refusal(applyMigrations(url, { directory }))).toContain('could be left half done')
  expect(await query(url, 'select migration_name from _prisma_migrations')).toEqual([{ migration_name: FIRST }])
})

test('a migration whose connection is cut leaves nothing behind, and the next run may go on', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);' })
  await applyMigrations(url, { directory })
  await writeMigrations(directory, { [SECOND]: 'create table b (n int); alter table a add column m int;' })

  await withClient(url, async (holder) => {
    await holder.query('begin; lock table a')
    const run = refusal(applyMigrations(url, { directory }))
    const cut = `select pg_terminate_backend(pid) as cut from pg_locks where relation = 'a'::regclass and not granted`
    await expect.poll(async () => (await holder.query(cut)).rows, { timeout: 20_000 }).toEqual([{ cut: true }])
    expect(await run).toContain(`${SECOND} failed`)
  })

  expect(await tablesOf(url)).toEqual(['_prisma_migrations', 'a'])
  expect(await applyMigrations(url, { directory })).toEqual([SECOND])
})

test('a script runs in UTC and waits for a lock for no longer than 2 s at a time, whatever the database says', async () => {
  const url = await newDatabase()
  const name = new URL(url).pathname.slice(1)
  await query(url, `alter database ${name} set timezone to 'America/New_York'`)
  await query(url, `alter database ${name} set statement_timeout to '1s'`)
  const directory = await newDirectory({
    [FIRST]: `
      create table settings as
        select name, setting from pg_settings
         where name in ('TimeZone', 'lock_timeout', 'statement_timeout', 'client_min_messages');
      create table instants as select timestamptz '2026-06-01 12:00:00' as noon;`,
  })
  await applyMigrations(url, { directory })
  expect(await query(url, 'select name, setting from settings order by name collate "C"')).toEqual([
    { name: 'TimeZone', setting: 'UTC' },
    { name: 'client_min_messages', setting: 'warning' },
    { name: 'lock_timeout', setting: '2000' },
    { name: 'statement_timeout', setting: '0' },
  ])
  expect(await query(url, 'select noon from instants')).toEqual([{ noon: new Date('2026-06-01T12:00:00Z') }])
})

test("the table of what was applied is Prisma's own, with Prisma's checksums", async () => {
  const url = await newDatabase()
  const script = 'create table ü (n int);\n'
  await applyMigrations(url, { directory: await newDirectory({ [FIRST]: script }) })

  const columns = await query(
    url,
    `select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
            || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as column
       from pg_attribute a left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
      where a.attrelid = '_prisma_migrations'::regclass and a.attnum > 0 order by a.attnum`,
  )
  expect(columns.map(({ column }) => column)).toEqual([
    'id character varying(36) not null',
    'checksum character varying(64) not null',
    'finished_at timestamp with time zone',
    'migration_name character varying(255) not null',
    'logs text',
    'rolled_back_at timestamp with time zone',
    'started_at timestamp with time zone not null default now()',
    'applied_steps_count integer not null default 0',
  ])

  const [row] = await query(url, 'select *, finished_at >= started_at as ordered from _prisma_migrations')
  expect(row).toMatchObject({
    migration_name: FIRST,
    checksum: createHash('sha256').update(script).digest('hex'),
    logs: null,
    rolled_back_at: null,
    applied_steps_count: 1,
    ordered: true,
  })
})

test('a role without the right to make tables is told which role to take, and needs no right where nothing is to do', async () => {
  const url = await newDatabase()
  const directory = await newDirectory({ [FIRST]: 'create table a (n int);' })
  await query(url, `create role guest login password 'guest'`)
  const asGuest = new URL(url)
  asGuest.username = 'guest'
  asGuest.password = 'guest'
  expect(await refusal(applyMigrations(asGuest.href, { directory }))).toContain(
    'Migrate as a role that owns the database',
  )

  await applyMigrations(url, { directory })
  await query(url, 'grant select on _prisma_migrations to guest')
  expect(await applyMigrations(asGuest.href, { directory })).toEqual([])
})

test('a server that does not answer is named by host and port, and no password is shown', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const address = taken.address()
  await new Promise((resolve) => taken.close(resolve))
  const port = address !== null && typeof address === 'object' ? address.port : 0

  for (const host of ['127.0.0.1', 'localhost']) {
    const message = await refusal(applyMigrations(`postgresql://someone:geheim@${host}:${port}/carillon`))
    expect(message).toContain(`host ${host}, port ${port}: connect ECONNREFUSED`)
    expect(message).not.toContain('geheim')
  }
})

test('a database that is not there is told of, with its server', async () => {
  const url = new URL(postgres.url)
  url.pathname = '/nowhere'
  const message = await refusal(applyMigrations(url.href))
  expect(message).toContain(`port ${url.port}: database "nowhere" does not exist`)
})

test.each([
  '',
  'carillon',
  'postgresql://someone:ge/heim@localhost/carillon',
  'postgresql://someone:12/heim@localhost/carillon',
  'postgresql://someone:12#heim@localhost/carillon',
  'postgresql://someone:12?heim@localhost/carillon',
])('the URL %j is refused as one that cannot be read, and no part of it is shown', async (url) => {
  const message = await refusal(applyMigrations(url))
  expect(message).toContain('percent-encoded')
  expect(message).not.toMatch(/someone|heim/)
})

test('a database whose encoding cannot hold every text is refused, untouched', async () => {
  const url = await newDatabase(`encoding 'SQL_ASCII' locale 'C' template template0`)
  expect(await refusal(applyMigrations(url))).toContain('encoding is SQL_ASCII')
  expect(await tablesOf(url)).toEqual([])
})

test.each([
  [140020, 'UTF8', /PostgreSQL 14\. Carillon needs 15 or later/],
  [90624, 'UTF8', /PostgreSQL 9\./],
  [150000, 'LATIN1', /encoding is LATIN1/],
])('a server of version number %i and encoding %s is not suitable', (version, encoding, reason) => {
  expect(unsuitableServer({ version, encoding })).toMatch(reason)
})

test.each([150000, 160001, 180004])('a server of version number %i is suitable', (version) => {
  expect(unsuitableServer({ version, encoding: 'UTF8' })).toBeUndefined()
})

test('a folder without its script is refused by name', async () => {
  const directory = await newDirectory({ [FIRST]: 'select 1' })
  await mkdir(join(directory, SECOND))
  expect(await refusal(applyMigrations(postgres.url, { directory }))).toContain(join(directory, SECOND))
})

test('the package is found from its source and from its build, which has a package.json of its own', async () => {
  const root = await newDirectory({})
  await mkdir(join(root, 'dist', 'prisma'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{ "name": "carillon" }')
  await writeFile(join(root, 'dist', 'package.json'), '{ "type": "module" }')
  expect(await packageRoot(join(root, 'prisma'))).toBe(root)
  expect(await packageRoot(join(root, 'dist', 'prisma'))).toBe(root)
  expect(await refusal(packageRoot(tmpdir()))).toContain('install the package whole')
})

test('two databases of one server, which share its roles, take the migrations at the same time', async () => {
  // Before any other test makes the roles: they race for these too.
  const urls = [await newDatabase(), await newDatabase()]
  const [one, other] = await Promise.all(urls.map((url) => applyMigrations(url)))
  expect(one?.length).toBeGreaterThan(0)
  expect(other).toEqual(one)
})

test("Carillon's own migrations apply to an empty database, and a second time nothing is to do", async () => {
  const url = await newDatabase()
  const applied = await applyMigrations(url)
  expect(applied.length).toBeGreaterThan(0)
  expect(await applyMigrations(url)).toEqual([])
  expect(await tablesOf(url)).toContain('delivery')
  expect(await query(url, 'select conname from pg_constraint where not convalidated')).toEqual([])
  expect(await query(url, 'select indexrelid::regclass::text from pg_index where not indisvalid')).toEqual([])
})
