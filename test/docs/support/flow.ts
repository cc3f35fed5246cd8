import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CarillonConfig } from '../../../server/config.ts'
import { loadConfigFile } from '../../../server/config-file.ts'
import { durationMs } from '../../../server/core/duration.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { eventsOf } from '../../support/event-stream.ts'
import { difference, type Meanings, meant, shortenedAnswer, shownJson } from './answers.ts'
import { type Block, type DocPage, placeOf, ROOT } from './pages.ts'

/** A configuration as it stands in a guide, beside the files that the guide names. */
export const loadConfigOf = async ({ blocks }: DocPage, { text }: Block): Promise<CarillonConfig> => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-guide-'))
  try {
    for (const { marks, text } of blocks) {
      const file = marks.get('file')
      if (file !== undefined) await writeFile(join(folder, file), text)
    }
    await writeFile(join(folder, 'carillon.config.ts'), text)
    return await loadConfigFile(join(folder, 'carillon.config.ts'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** An operation of a guide, and the answer that the guide shows. */
export interface Step {
  readonly block: Block
  readonly shown: Block | null
}

/** What of a page is to be carried out: operations with a shown answer, and those marked `ask`. */
export const stepsOf = ({ blocks }: DocPage): readonly Step[] =>
  blocks.flatMap((block, index) => {
    if (block.language !== 'graphql' || block.marks.has('not checked')) return []
    const next = blocks[index + 1]
    const shown = next?.language === 'json' && !next.marks.has('not checked') ? next : null
    return shown || block.marks.has('ask') ? [{ block, shown }] : []
  })

/** Sets `CARILLON_WRITE_ANSWERS=1` to put the answers of this run into the guides. */
const writing = process.env['CARILLON_WRITE_ANSWERS'] === '1'

/** Puts texts into the blocks of a page, if this run is to. */
export const writeAnswers = async (page: DocPage, answers: ReadonlyMap<Block, string>): Promise<void> => {
  if (writing && answers.size > 0) await writeFile(join(ROOT, page.path), withAnswers(page, answers))
}

const withAnswers = (page: DocPage, answers: ReadonlyMap<Block, string>): string => {
  const lines = page.text.split('\n')
  for (const [block, text] of [...answers].sort(([a], [b]) => b.line - a.line)) {
    lines.splice(block.line, block.text.split('\n').length - 1, ...text.split('\n'))
  }
  return lines.join('\n')
}

/** The first event of a subscription. */
export const firstEvent = async (
  url: string,
  { credential, query }: { readonly credential: string; readonly query: string },
): Promise<Pick<GraphQLAnswer, 'data' | 'errors'>> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${credential}`,
    },
    body: JSON.stringify({ query }),
  })
  for await (const { event, data } of eventsOf(response)) {
    if (event !== 'next') continue
    // Leaving the loop ends the stream.
    return { data: data.data, errors: data.errors ?? [] }
  }
  throw new Error(`the subscription answered ${response.status} and nothing else`)
}

const moveClock = (clock: TestClock, to: string): void => {
  if (to.startsWith('+')) clock.advance(durationMs(to.slice(1)) as number)
  else clock.set(to)
}

const credentialOf = async (carillon: TestCarillon, who: string): Promise<string> => {
  if (who === 'backend') return carillon.backendKey
  return who === '' || who === 'operator' ? carillon.operatorKey : carillon.tokenFor(who)
}

/**
 * Carries out what a page shows, from its top to its end, on a server with the configuration that it shows (`config`),
 * or the repository's own; at noon of a fixed day, or when it says (`clock`). All that is due is done before each step,
 * and as often as it says (`times`). Answers the first difference of each answer, with its place.
 */
export const differencesIn = async (page: DocPage): Promise<readonly string[]> => {
  const shownConfig = page.blocks.find(({ marks }) => marks.has('config'))
  const config = shownConfig
    ? await loadConfigOf(page, shownConfig)
    : await loadConfigFile(join(ROOT, 'carillon.config.ts'))
  const clock = new TestClock()
  const carillon = await startCarillon(config, { clock, publicUrl: null })
  const meanings: Meanings = new Map()
  const found: string[] = []
  const written = new Map<Block, string>()
  try {
    for (const { block, shown } of stepsOf(page)) {
      const at = block.marks.get('clock')
      if (at !== undefined) moveClock(clock, at)
      await carillon.drainJobs()
      const credential = await credentialOf(carillon, block.marks.get('ask') ?? '')
      for (let time = Number(block.marks.get('times') ?? 1); time > 1; time--) {
        await carillon.ok(
          credential,
          meant(block.text, meanings).replaceAll(/(idempotencyKey: "[^"]*)"/g, `$1-${time}"`),
        )
      }
      const query = meant(block.text, meanings)
      const { data, errors } = /^subscription\b/.test(query)
        ? await firstEvent(carillon.graphqlUrl, { credential, query })
        : await carillon.ask(credential, query)
      const answer = errors.length > 0 ? { errors, data } : { data }
      if (errors.length > 0 && !block.marks.has('refused'))
        found.push(`${placeOf(page, block)} ${JSON.stringify(errors)}`)
      if (!shown) continue
      const fault = difference(JSON.parse(shown.text), answer, { meanings })
      if (fault === null) {
        const shape = shownJson(JSON.parse(shown.text))
        if (`${shape}\n` !== shown.text) written.set(shown, shape)
        continue
      }
      found.push(`${placeOf(page, shown)} ${fault}`)
      const short = shortenedAnswer(answer)
      difference(short, answer, { meanings })
      written.set(shown, shownJson(short))
    }
  } finally {
    await carillon.close()
  }
  await writeAnswers(page, written)
  return found
}
