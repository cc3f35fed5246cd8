import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonProcess, type DevFile, readDevFile, startProcess } from '../cli/carillon-process.ts'
import { until } from '../support/until.ts'
import { difference, type Meanings, meant } from './support/answers.ts'
import { firstEvent, stepsOf } from './support/flow.ts'
import { type DocPage, placeOf, readPage } from './support/pages.ts'

/** The first guide from its top to its end, as a newcomer does it: by `npm start`, in real time. */
const GUIDE = readPage('docs/getting-started.md')

let dataDir: string
let carillon: CarillonProcess
let dev: DevFile

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'carillon-guide-'))
  await chmod(dataDir, 0o755)
  carillon = startProcess({ CARILLON_DATA_DIR: dataDir, PORT: '0' })
  await carillon.ready
  dev = await readDevFile(dataDir)
})
afterAll(async () => {
  await carillon?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const bannerIn = ({ blocks }: DocPage): string => blocks.find(({ marks }) => marks.has('shown'))?.text ?? ''

test('npm start prints what the guide and the README show', () => {
  const port = new URL(dev.graphqlUrl).port
  const printed = carillon.output().replaceAll(port, '4000').replaceAll(dataDir, '.carillon')
  expect(bannerIn(GUIDE)).toContain('Carillon is ready.')
  expect(printed).toContain(bannerIn(GUIDE))
  expect(printed).toContain(bannerIn(readPage('README.md')))
})

test('each operation is answered as the guide shows it', async () => {
  const meanings: Meanings = new Map()
  const ask = async (query: string): Promise<unknown> => {
    const operation = { credential: dev.operatorKey, query }
    if (query.startsWith('subscription')) return { data: (await firstEvent(dev.graphqlUrl, operation)).data }
    const response = await fetch(dev.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${dev.operatorKey}` },
      body: JSON.stringify({ query }),
    })
    return response.json()
  }
  for (const { block, shown } of stepsOf(GUIDE)) {
    const query = meant(block.text, meanings)
    if (query.startsWith('mutation')) {
      const answer = await ask(query)
      expect([
        placeOf(GUIDE, block),
        shown && difference(JSON.parse(shown.text), answer, { meanings, anyTime: true }),
      ]).toEqual([placeOf(GUIDE, block), null])
      continue
    }
    // The worker takes its moment, as for whoever reads this.
    let last: string | null = null
    await until(`${placeOf(GUIDE, block)} is answered as shown`, async () => {
      last = difference(JSON.parse(shown?.text ?? 'null'), await ask(query), { meanings, anyTime: true })
      return last === null
    }).catch(() => expect([placeOf(GUIDE, block), last]).toEqual([placeOf(GUIDE, block), null]))
  }
})

test("the same trigger again is the first one, and is told so: 'deduplicated' is true", async () => {
  const [first] = stepsOf(GUIDE)
  const response = await fetch(dev.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${dev.operatorKey}` },
    body: JSON.stringify({ query: first?.block.text }),
  })
  expect(await response.json()).toMatchObject({ data: { trigger: { deduplicated: true } } })
})

test("the server starts with the guide's own notifier, and prints a trigger of it", async () => {
  await carillon.stop()
  const file = join(dataDir, 'my.config.ts')
  await writeFile(file, GUIDE.blocks.find(({ marks }) => marks.get('file') === 'my.config.ts')?.text ?? '')
  carillon = startProcess({ CARILLON_DATA_DIR: dataDir, PORT: '0', CARILLON_CONFIG: file })
  await carillon.ready
  expect(carillon.output()).toContain('"notificationKey":"order.shipped"')
})
