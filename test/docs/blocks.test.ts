import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../schema/index.ts'
import { blocksIn, placeOf, ROOT, readPages } from './support/pages.ts'

/** How a block is looked at, by its language; one of another language says why it is not, or fails. */
const LOOKED_AT = ['graphql', 'json', 'ts', 'tsx', 'sh']
const MOST_UNCHECKED = 20

const unchecked = readPages().flatMap((page) =>
  page.blocks.filter(({ marks }) => marks.has('not checked')).map((block) => [placeOf(page, block), block] as const),
)

test('every block is looked at, or says why it is not, and those are few', () => {
  const strange = readPages().flatMap((page) =>
    page.blocks
      .filter(({ language, marks }) => !LOOKED_AT.includes(language) && !marks.has('not checked') && !marks.has('shown'))
      .map((block) => `${placeOf(page, block)} is ${block.language || 'of no language'}`),
  )
  // What follows a configuration that is refused is compared with the refusal.
  const refusals = readPages().flatMap(({ path, blocks }) =>
    blocks.flatMap((block, index) => {
      const next = block.marks.has('refused') ? blocks[index + 1] : undefined
      return next ? [`${path}:${next.line} is ${next.language}`] : []
    }),
  )
  expect(strange.filter((place) => !refusals.includes(place))).toEqual([])
  for (const [place, { marks }] of unchecked) expect([place, marks.get('not checked')]).toEqual([place, expect.stringMatching(/\w+ \w+/)])
  expect(unchecked.length).toBeLessThanOrEqual(MOST_UNCHECKED)
})

test.each(blocksIn('graphql').map((one) => [one.place, one.block.text] as const))(
  'the operation at %s is one of this API',
  (_, text) => {
    // Ids are shown short; they stand in strings.
    const faults = validate(schema, parse(text)).map(({ message }) => message)
    expect(faults).toEqual([])
  },
)

test.each(blocksIn('json').map((one) => [one.place, one.block.text] as const))('the JSON at %s is JSON', (_, text) => {
  expect(() => JSON.parse(text)).not.toThrow()
})

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** The commands of a block, one a line, without comments and what a shell joins them with. */
const commandsIn = (text: string): string[] =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/&&|\|/))
    .map((command) => command.trim().replace(/^\$ /, '').replace(/^(export )?([A-Z_]+=('[^']*'|"[^"]*"|\S*)\s*)+/, ''))
    .filter((command) => command !== '')

/** Programs that a reader has, and that this project does not answer for. */
const OTHERS = ['curl', 'openssl', 'psql', 'pg_dump', 'pg_restore', 'git', 'kill', 'node', 'createdb']

const commandNames = async (): Promise<readonly string[]> => {
  const args = ['--import', 'tsx', '--conditions=carillon-source', 'server/main.ts', '--help']
  const said = await promisify(execFile)(process.execPath, args, { cwd: ROOT }).catch((error: unknown) => error)
  const { stdout, stderr } = said as { stdout: string; stderr: string }
  return [...`${stdout}\n${stderr}`.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name as string)
}

const npmFault = (rest: readonly string[]): string | null => {
  const [verb, name] = rest
  if (verb === 'run') return name !== undefined && name in scripts ? null : `there is no script "${name}"`
  return ['ci', 'start', 'test', 'install', 'pack'].includes(verb ?? '') ? null : `npm ${verb} is not known here`
}

const npxFault = (rest: readonly string[], commands: readonly string[]): string | null => {
  const [program, ...args] = rest
  if (program === 'carillon') {
    const [name] = args
    return name !== undefined && commands.includes(name) ? null : `there is no command "carillon ${name}"`
  }
  if (program === 'vitest') {
    const missing = args.slice(1).filter((path) => !existsSync(join(ROOT, path)))
    return missing.length === 0 ? null : `there is no ${missing.join(', ')}`
  }
  return `npx ${program} is not known here`
}

test('every command that is shown exists', async () => {
  const commands = await commandNames()
  const faults = blocksIn('sh').flatMap(({ place, block }) =>
    commandsIn(block.text).flatMap((command) => {
      const [program = '', ...rest] = command.replace(/^exec /, '').split(/\s+/)
      const fault =
        program === 'npm'
          ? npmFault(rest)
          : program === 'npx'
            ? npxFault(rest, commands)
            : program === 'carillon'
              ? npxFault([program, ...rest], commands)
              : OTHERS.includes(program)
                ? null
                : `"${program}" is not known here`
      return fault === null ? [] : [`${place}: ${fault}`]
    }),
  )
  expect(faults).toEqual([])
})

test('the tests that the README names are there', () => {
  const named = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/`npx vitest run ([^`]+)`/g)]
  const paths = named.flatMap(([, args = '']) => args.split(' '))
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test('every variable of the environment that a page names is read somewhere', () => {
  const sources = ['server', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
  )
  const known = new Set([...sources.join('\n').matchAll(/\bCARILLON_[A-Z_]+\b/g)].map(([name]) => name))
  const unknown = readPages().flatMap(({ path, text }) =>
    [...text.matchAll(/\bCARILLON_[A-Z_]+\b/g)].flatMap(([name]) => (known.has(name) ? [] : [`${path}: ${name}`])),
  )
  expect(unknown).toEqual([])
})
