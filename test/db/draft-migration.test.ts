import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bytewiseText } from '../../prisma/bytewise-text.ts'
import { draftMigration, pendingModelChanges } from '../../prisma/draft-migration.ts'
import { SetupError } from '../../server/errors.ts'

const THING = 'model Thing {\n  id   String @id\n  name String @default("some TEXT")\n}\n'
const PART = 'model Part {\n  id   String @id\n  tags String[]\n}\n'

const newPrismaDirectory = async (models: Record<string, string>): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-draft-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'schema.prisma'), 'datasource db {\n  provider = "postgresql"\n}\n')
  await mkdir(join(directory, 'models'))
  for (const [file, content] of Object.entries(models)) await writeFile(join(directory, 'models', file), content)
  return directory
}

test('the models and the newest migration agree', async () => {
  expect(await pendingModelChanges(), 'run `npm run migration -- <name>`').toBe('')
})

test('the first draft has every model, and the next one what changed since', async () => {
  const directory = await newPrismaDirectory({ 'thing.prisma': THING })
  const first = await draftMigration('first', { directory })
  if (first === undefined) return expect.fail('wrote nothing')
  expect(basename(first)).toMatch(/^\d{14}_first$/)
  const sql = await readFile(join(first, 'migration.sql'), 'utf8')
  expect(sql).toContain('CREATE TABLE "Thing"')
  expect(sql).not.toContain('CREATE SCHEMA')

  // Another second's name, so that the next draft need not wait for one.
  const earlier = join(directory, 'migrations', '20260101000000_first')
  await mkdir(earlier)
  for (const file of await readdir(first)) await writeFile(join(earlier, file), await readFile(join(first, file)))
  await rm(first, { recursive: true })

  await writeFile(join(directory, 'models', 'part.prisma'), PART)
  const pending = await pendingModelChanges({ directory })
  expect(pending).toContain('CREATE TABLE "Part"')
  expect(pending).not.toContain('"Thing"')

  const second = await draftMigration('second', { directory })
  expect(await readFile(join(second ?? '', 'migration.sql'), 'utf8')).toBe(pending)
  expect(await pendingModelChanges({ directory })).toBe('')
})

test('models that did not change make no migration', async () => {
  const directory = await newPrismaDirectory({ 'thing.prisma': THING })
  await draftMigration('first', { directory })
  const before = await readdir(join(directory, 'migrations'))
  expect(await draftMigration('again', { directory })).toBeUndefined()
  expect(await readdir(join(directory, 'migrations'))).toEqual(before)
})

test('a migration written by hand, without a snapshot, does not hide the one before it', async () => {
  const directory = await newPrismaDirectory({ 'thing.prisma': THING })
  await draftMigration('first', { directory })
  const byHand = join(directory, 'migrations', '29991231235959_by_hand')
  await mkdir(byHand)
  await writeFile(join(byHand, 'migration.sql'), 'select 1;')
  expect(await pendingModelChanges({ directory })).toBe('')
})

test('a draft that would come before the newest migration is refused', async () => {
  const directory = await newPrismaDirectory({ 'thing.prisma': THING })
  await mkdir(join(directory, 'migrations', '29991231235959_later'), { recursive: true })
  await expect(draftMigration('first', { directory })).rejects.toThrow(SetupError)
})

test.each(['', 'Add Topics', '../escape', '1st'])('%j is no name of a migration', async (name) => {
  await expect(draftMigration(name)).rejects.toThrow(/give a name of lower-case letters/)
})

test('text columns compare byte by byte, and a text that says TEXT stays as it is', async () => {
  const directory = await newPrismaDirectory({ 'thing.prisma': THING, 'part.prisma': PART })
  const sql = await pendingModelChanges({ directory })
  expect(sql).toContain('"id" TEXT COLLATE "C" NOT NULL')
  expect(sql).toContain('"tags" TEXT[] COLLATE "C"')
  expect(sql).toContain(`"name" TEXT COLLATE "C" NOT NULL DEFAULT 'some TEXT'`)
})

test.each([
  ['"TEXT" TEXT', '"TEXT" TEXT COLLATE "C"'],
  [`DEFAULT 'it''s TEXT'`, `DEFAULT 'it''s TEXT'`],
  ['-- TEXT\nTEXT', '-- TEXT\nTEXT COLLATE "C"'],
  ['/* TEXT */ TEXT', '/* TEXT */ TEXT COLLATE "C"'],
  ['$x$ TEXT $x$', '$x$ TEXT $x$'],
  ['"a"::text::"Enum"', '"a"::text::"Enum"'],
  ['TEXT COLLATE "de"', 'TEXT COLLATE "de"'],
  ['SET DATA TYPE TEXT;', 'SET DATA TYPE TEXT COLLATE "C";'],
  ['"a_text" CONTEXT', '"a_text" CONTEXT'],
])('%j becomes %j', (sql, collated) => {
  expect(bytewiseText(sql)).toBe(collated)
})
