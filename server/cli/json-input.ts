import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { RecipientInput } from '../../client-sdk/index.ts'
import { UsageError } from './usage.ts'

const parse = (json: string, where: string): unknown => {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new UsageError(`${where} is no JSON: ${(error as Error).message}`)
  }
}

/** What `--payload` stands for: JSON as it is, `@file`, or `@-` for standard input; `undefined` where it was left out. */
export const readPayload = async (given: string | undefined): Promise<unknown> => {
  if (given === undefined) return undefined
  if (!given.startsWith('@')) return parse(given, '--payload')
  const file = given.slice(1)
  if (file === '-') return parse(await text(process.stdin), 'What came on standard input')
  const content = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`--payload: ${error.message}`)
  })
  return parse(content, file)
}

/** A recipient as it is typed: an id, or an object with details. */
export const readRecipient = (given: string): RecipientInput => {
  if (!given.trimStart().startsWith('{')) return { id: given }
  const recipient = parse(given, '--recipient') as RecipientInput
  if (typeof recipient.id !== 'string') throw new UsageError('--recipient: an object needs an "id"')
  return recipient
}
