import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { buildProgram } from '../../server/cli/run.ts'
import { PROCESS_TEST_MS, runCarillon } from './carillon-process.ts'
import { typed } from './typed.ts'

const commandsOf = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(commandsOf)]

const helpOf = (command: Command): string => {
  let help = ''
  command.configureOutput({
    writeOut: (text) => {
      help += text
    },
  })
  command.outputHelp()
  return help
}

test('every command says what it does, what it takes, and how it is used', async () => {
  const program = await buildProgram()
  expect(program.commands.map((command) => command.name())).toEqual([
    'dev',
    'start',
    'migrate',
    'tenants',
    'keys',
    'explain',
    'simulate',
    'preview',
    'export',
    'doctor',
  ])
  for (const command of commandsOf(program).slice(1)) {
    const help = helpOf(command)
    expect(help, command.name()).toMatch(/Examples:\n {2}\S/)
    expect(command.description(), command.name()).not.toBe('')
    for (const option of command.options) expect(option.description, `${command.name()} ${option.flags}`).not.toBe('')
  }
})

test('what has an answer gives it as JSON too', async () => {
  const program = await buildProgram()
  const leaves = commandsOf(program).filter((command) => command.commands.length === 0)
  const silent = leaves.filter((command) => !command.options.some(({ long }) => long === '--json'))
  // The first two run until they are stopped, and an export is JSON anyway.
  expect(silent.map((command) => command.name())).toEqual(['dev', 'start', 'export'])
})

test.each([
  [['explan', 'x'], 'Did you mean explain?'],
  [['migrate', '--colour'], "unknown option '--colour'"],
  [['--colour'], "unknown option '--colour'"],
  [['start', '--role', 'both'], 'Allowed choices are api, worker, all'],
  [['keys', 'create', '--tenant', 'acme', '--scope', 'EVERYTHING'], 'write TRIGGER or OPERATE'],
  [['explain'], 'Name what is to be explained'],
  [['explain', '--recipient', 'bob', '--notification', 'a', '--since', 'yesterday'], 'Write an instant'],
  [['simulate', 'a', '--payload', '{'], '--payload is no JSON'],
  [['keys', 'revoke'], 'Name the keys'],
  [['explain', 'x', '--tenant', 'acme', '--url', 'http://127.0.0.1:1'], 'name one of them'],
])('%j makes no sense, says why, and ends with 2', async (args, words) => {
  const { code, stdout, stderr } = await typed(args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
})

test(
  'the binary answers on stdout with 0, and where it is used wrongly on stderr with 2',
  async () => {
    const [version, wrong] = await Promise.all([runCarillon(['--version']), runCarillon(['migrate', '--colour'])])
    expect(version).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' })
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).not.toMatch(/\n\s+at /)
  },
  PROCESS_TEST_MS,
)
