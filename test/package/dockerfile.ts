import { readFile } from 'node:fs/promises'

/** One instruction of a Dockerfile: its word in capitals, and the rest of it. */
export interface Instruction {
  readonly word: string
  readonly rest: string
}

/** A stage, from its FROM on. */
export interface Stage {
  readonly from: string
  readonly instructions: readonly Instruction[]
}

/** Reads the stages of a Dockerfile, as far as ours goes: no heredocs, no escapes but those at the ends of lines. */
export const readDockerfile = async (file: string): Promise<readonly Stage[]> => {
  const text = (await readFile(file, 'utf8')).replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  const stages: { from: string; instructions: Instruction[] }[] = []
  for (const line of text.split('\n').filter((one) => one.trim() !== '')) {
    const [word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line)?.slice(1) ?? []
    if (word === 'FROM') stages.push({ from: rest, instructions: [] })
    else stages.at(-1)?.instructions.push({ word, rest })
  }
  return stages
}

/** The words of an instruction in the form of a list, such as CMD; the last of its kind counts. */
export const commandOf = ({ instructions }: Stage, word: 'CMD' | 'HEALTHCHECK'): string[] => {
  const { rest = '' } = instructions.findLast((one) => one.word === word) ?? {}
  return JSON.parse(rest.slice(rest.indexOf('['))) as string[]
}

/** The variables that a stage sets. */
export const variablesOf = ({ instructions }: Stage): Record<string, string> =>
  Object.fromEntries(
    instructions
      .filter(({ word }) => word === 'ENV')
      .flatMap(({ rest }) => rest.split(/\s+/).map((pair) => pair.split('=', 2) as [string, string])),
  )
