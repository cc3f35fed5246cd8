import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../schema/index.ts'
import { type Block, blocksIn, placeOf, ROOT, readPages } from './support/pages.ts'

/** What is looked at here or by the tests beside this one. */
const LOOKED_AT = ['graphql', 'json', 'ts', 'tsx', 'js', 'sh', 'console']
const MOST_UNCHECKED = 15

const isUnchecked = ({ marks }: Block): boolean => marks.has('not checked')

test('every block is looked at, or says why it is not, and those are few', () => {
  const said: string[] = []
  const unchecked: string[] = []
  for (const page of readPages()) {
    for (const [index, block] of page.blocks.entries()) {
      const { language, marks } = block
      const reason = marks.get('not checked')
      // What follows a configuration that is refused is compared with the refusal; what is shown, with what is printed.
      const isCompared = page.blocks[index - 1]?.marks.has('refused') || marks.has('shown')
      if (reason !== undefined) unchecked.push(placeOf(page, block))
      if (reason !== undefined && !/\w+ \w+/.test(reason)) said.push(`${placeOf(page, block)} gives no reason`)
      if (reason === undefined && !isCompared && !LOOKED_AT.includes(language)) {
        said.push(`${placeOf(page, block)}, ${language || 'of no language'}: put <!-- not checked: why --> before it`)
      }
    }
  }
  expect(said).toEqual([])
  expect(unchecked.length, unchecked.join(', ')).toBeLessThanOrEqual(MOST_UNCHECKED)
})

/** What can be said of a block; anything else is misspelt. */
const MARKS = ['config', 'loads', 'refused', 'file', 'continues', 'ask', 'times', 'clock', 'shown', 'not checked']

test('what comments say of blocks is understood', () => {
  const strange = readPages().flatMap((page) =>
    page.blocks.flatMap((block) =>
      [...block.marks.keys()].filter((name) => !MARKS.includes(name)).map((name) => `${placeOf(page, block)}: ${name}`),
    ),
  )
  expect(strange).toEqual([])
})

test('what is shown as printed is on the pages whose tests print it', () => {
  const shown = readPages().flatMap(({ path, blocks }) =>
    blocks.flatMap(({ marks }) => (marks.has('shown') ? [path] : [])),
  )
  // getting-started.test.ts, and test/cli/host-adapter.test.ts
  expect(shown.sort()).toEqual(['README.md', 'docs/custom-adapters.md', 'docs/getting-started.md'])
})

test.each(
  blocksIn('graphql')
    .filter(({ block }) => !isUnchecked(block))
    .map((one) => [one.place, one.block.text] as const),
)('the operation at %s is one of this API', (_, text) => {
  const faults = validate(schema, parse(text)).map(({ message }) => message)
  expect(faults).toEqual([])
})

test.each(
  blocksIn('json')
    .filter(({ block }) => !isUnchecked(block))
    .map((one) => [one.place, one.block.text] as const),
)('the JSON at %s is JSON', (_, text) => {
  expect(() => JSON.parse(text)).not.toThrow()
})

test('every JavaScript snippet can be read', async () => {
  for (const { place, block } of blocksIn('js')) {
    if (isUnchecked(block)) continue
    const read = await transform(block.text, { loader: 'js' }).catch((error: Error) => error)
    expect([place, read instanceof Error ? read.message : null]).toEqual([place, null])
  }
})

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** What is typed: all of a script, and of a session what stands behind its prompts. */
const typedIn = ({ language, text }: Block): string =>
  language === 'sh' ? text : [...text.matchAll(/^\$ (.*(?:\\\n.*)*)/gm)].map(([, line]) => line).join('\n')

/** The commands of a block, one a line, without comments and what a shell joins them with. */
const commandsIn = (block: Block): string[] =>
  typedIn(block)
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/&&|\|/))
    .map((command) =>
      command
        .trim()
        .replace(/^\$ /, '')
        .replace(/^(export )?([A-Z_]+=('[^']*'|"[^"]*"|\S*)\s*)+/, ''),
    )
    .filter((command) => command !== '')

/** Programs that a reader has, and that this project does not answer for. */
const OTHERS = [
  'curl',
  'openssl',
  'psql',
  'pg_dump',
  'pg_restore',
  'git',
  'kill',
  'node',
  'createdb',
  'docker',
  'mkdir',
  'cd',
]

const commandNames = async (): Promise<readonly string[]> => {
  const args = ['--import', 'tsx', '--conditions=carillon-source', 'server/main.ts', '--help']
  const said = await promisify(execFile)(process.execPath, args, { cwd: ROOT }).catch((error: unknown) => error)
  const { stdout, stderr } = said as { stdout: string; stderr: string }
  return [...`${stdout}\n${stderr}`.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name as string)
}

const npmFault = (rest: readonly string[]): string | null => {
  const [verb, name] = rest
  if (verb === 'run') return name !== undefined && name in scripts ? null : `there is no script "${name}"`
  return ['ci', 'start', 'test', 'init', 'install', 'pack', 'version', 'publish'].includes(verb ?? '')
    ? null
    : `npm ${verb} is not known here`
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
  const faults = blocksIn('sh', 'console').flatMap(({ place, block }) =>
    isUnchecked(block)
      ? []
      : commandsIn(block).flatMap((command) => {
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
