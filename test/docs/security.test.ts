import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { claims } from '../security/claimed.ts'
import { ROOT, readPage } from './support/pages.ts'

/** `S3 test/security/bombs.test.ts` of each count that a file of tests keeps. */
const counted = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) => {
    const text = readFileSync(join(ROOT, 'test', file), 'utf8')
    const ids = [...text.matchAll(/\b(?:tallyOf|everyTestCounts)\('(S\d+)'\)/g)].map(([, id]) => id)
    return [...new Set(ids)].map((id) => `${id} test/${file}`)
  })

const { text } = readPage('docs/security.md')
const rows = text.match(/^\| S\d+ \|.*\|$/gm) ?? []

test('docs/security.md names every file that counts attacks in the row of their kind, and no other', () => {
  const claimed = claims().map(({ id, file }) => `${id} ${file}`)
  expect({
    'to be named in docs/security.md': counted.filter((one) => !claimed.includes(one)),
    'named there, and does not count them': claimed.filter((one) => !counted.includes(one)),
  }).toEqual({ 'to be named in docs/security.md': [], 'named there, and does not count them': [] })
  expect(new Set(claimed).size).toBe(claimed.length)
})

test('each row says what is tried, what stands in its way, and how often it is tried, and none that it got through', () => {
  const ids = rows.map((row) => Number(/^\| S(\d+)/.exec(row)?.[1]))
  expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other))
  for (const row of rows) {
    const cells = row.split(' | ')
    expect([row, cells.length, cells.at(-1)]).toEqual([row, 5, '0 |'])
    for (const cell of cells.slice(1, 4)) expect([row, cell.length > 5]).toEqual([row, true])
  }
  for (const { id, tried } of claims()) expect([id, tried > 0]).toEqual([id, true])
})

test('as many as the page says in all are the sum of what it says of each, rounded down', () => {
  const said = Number(/([\d,]+) in all\./.exec(text)?.[1]?.replaceAll(',', ''))
  const sum = claims().reduce((total, { tried }) => total + tried, 0)
  expect(said).toBe(Math.floor(sum / 100) * 100)
})
