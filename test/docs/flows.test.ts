import { describe, expect, test } from 'vitest'
import { readConfig } from '../../server/app.ts'
import { SetupError } from '../../server/errors.ts'
import { differencesIn, loadConfigOf, stepsOf, writeAnswers } from './support/flow.ts'
import { placeOf, readPage, readPages } from './support/pages.ts'

// Changed on purpose? CARILLON_WRITE_ANSWERS=1 npx vitest run test/docs/flows.test.ts puts the answers into the pages.

const PAGES = readPages()

describe('what a guide shows is what a server answers', () => {
  test.each(PAGES.filter((page) => stepsOf(page).length > 0).map((page) => [page.path, page] as const))(
    '%s',
    async (_, page) => {
      expect(await differencesIn(page)).toEqual([])
    },
    60_000,
  )
})

const CONFIGS = PAGES.flatMap((page) =>
  page.blocks.flatMap((block, index) =>
    block.marks.has('config') || block.marks.has('refused') || block.marks.has('loads')
      ? block.language === 'ts'
        ? [{ place: placeOf(page, block), page, block, next: page.blocks[index + 1] }]
        : []
      : [],
  ),
)

test.each(CONFIGS.map((one) => [one.place, one] as const))(
  'the configuration at %s starts, or is refused in the words that are shown',
  async (place, { page, block, next }) => {
    const read = async () => readConfig(await loadConfigOf(page, block))
    if (!block.marks.has('refused')) return void expect((await read()).notifiers.size).toBeGreaterThan(0)
    const error = await read().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SetupError)
    const said = `${(error as SetupError).message}\n`
    if (said !== next?.text) {
      // The page may have been written to meanwhile.
      const now = readPage(page.path).blocks[page.blocks.indexOf(block) + 1]
      if (now) await writeAnswers(readPage(page.path), new Map([[now, said.trimEnd()]]))
    }
    expect([place, said]).toEqual([place, next?.text])
  },
)
