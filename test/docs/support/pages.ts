import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../../..')

/** A fenced block of a page. */
export interface Block {
  readonly language: string
  readonly text: string
  /** The line of the page on which its fence stands, from 1 on. */
  readonly line: number
  /** What is said of it in comments right before it, which readers do not see: `<!-- name: value -->`. */
  readonly marks: ReadonlyMap<string, string>
}

/** One Markdown file. */
export interface DocPage {
  /** From the root, such as `docs/digests.md`. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
}

const MARK = /^<!-- ([a-z ]+?)(?:: (.*?))? -->$/

const blocksOf = (text: string): Block[] => {
  const blocks: Block[] = []
  const lines = text.split('\n')
  let marks = new Map<string, string>()
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string
    const mark = MARK.exec(line)
    const fence = /^ *```(\w*)$/.exec(line)
    if (mark) marks.set(mark[1] as string, mark[2] ?? '')
    else if (fence) {
      const end = lines.findIndex((other, at) => at > index && /^ *```$/.test(other))
      if (end < 0) throw new Error(`a block that begins on line ${index + 1} has no end`)
      const body = lines.slice(index + 1, end).join('\n')
      blocks.push({ language: fence[1] ?? '', text: `${body}\n`, line: index + 1, marks })
      index = end
      marks = new Map()
    } else marks = new Map()
  }
  return blocks
}

export const readPage = (path: string): DocPage => {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return { path, text, blocks: blocksOf(text) }
}

/** Every page: the README, and all of docs/. */
export const readPages = (): readonly DocPage[] => {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => relative(ROOT, join(ROOT, 'docs', file)))
  return ['README.md', ...docs.sort()].map(readPage)
}

/** Where a block stands, as a test names it. */
export const placeOf = (page: DocPage, block: Block): string => `${page.path}:${block.line}`

/** Every block of a language, with its page. */
export const blocksIn = (...languages: readonly string[]) =>
  readPages().flatMap((page) =>
    page.blocks
      .filter(({ language }) => languages.includes(language))
      .map((block) => ({ page, block, place: placeOf(page, block) })),
  )
