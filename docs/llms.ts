import { readFile, writeFile } from 'node:fs/promises'

/*
 * llms.txt is an index of the guides for programs that read them, llms-full.txt all of the guides in one file
 * (npm run generate:llms). The order is that of the index, docs/README.md.
 */

const fileOf = (path: string): URL => new URL(`../${path}`, import.meta.url)
const read = (path: string): Promise<string> => readFile(fileOf(path), 'utf8')

/** Of what lies in docs/, so that it can be found from the root. */
const fromRoot = (text: string): string =>
  text.replaceAll(/\]\((?!https?:|#)([^)]+)\)/g, (_, target: string) =>
    target.startsWith('../') ? `](${target.slice(3)})` : `](docs/${target})`,
  )

/** Comments say how a block is tested, which no reader needs. */
const withoutComments = (text: string): string => text.replaceAll(/^<!-- .* -->\n/gm, '')

interface Entry {
  readonly path: string
  readonly title: string
  readonly about: string
}

/** The guides that the index leads to and that are there; the API's reference stands apart, for its size. */
const entriesIn = async (index: string): Promise<readonly Entry[]> => {
  const entries: Entry[] = []
  for (const line of index.split('\n').filter((one) => one.startsWith('- '))) {
    const [, about = ''] = /: (.*)$/.exec(line) ?? []
    for (const [, title = '', file = ''] of line.matchAll(/\[([^\]]+)\]\(([a-z-]+\.md)\)/g)) {
      const path = `docs/${file}`
      const isThere = await read(path).then(Boolean, () => false)
      if (isThere) entries.push({ path, title, about })
    }
  }
  return entries
}

const ABOUT = `# Carillon

> A self-hosted notification service: a GraphQL API over Postgres, in TypeScript. A backend says what happened; Carillon
> decides who hears of it, where and in what form, sends it, keeps every front end's inbox live, and explains every delivery.`

/** llms.txt and llms-full.txt, as they are to be. */
export const llmsFiles = async (): Promise<Readonly<Record<'llms.txt' | 'llms-full.txt', string>>> => {
  const entries = await entriesIn(await read('docs/README.md'))
  const index = entries.map(({ path, title, about }) => `- [${title}](${path})${about && `: ${about}`}`)
  const guides = entries.filter(({ path }) => path !== 'docs/api.md')
  const texts = await Promise.all(guides.map(async ({ path }) => withoutComments(fromRoot(await read(path))).trim()))
  const schema = '- [GraphQL schema](schema/schema.graphql): the whole API, with descriptions.'
  return {
    'llms.txt': `${ABOUT}\n\n## Guides\n\n${[...index, schema].join('\n')}\n- [All guides in one file](llms-full.txt)\n`,
    'llms-full.txt': `${[ABOUT, ...texts].join('\n\n---\n\n')}\n`,
  }
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, text] of Object.entries(await llmsFiles())) await writeFile(fileOf(name), text)
}
