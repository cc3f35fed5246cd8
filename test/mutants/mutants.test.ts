import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { GROUPS, groupNamed } from './groups.ts'
import { MUST_BE_KILLED, scoreOf, tableOf } from './score.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Those that a pattern of file names stands for. */
const filesOf = (pattern: string): readonly string[] => {
  const [before = '', after] = basename(pattern).split('*')
  if (after === undefined) return existsSync(join(ROOT, pattern)) ? [pattern] : []
  return readdirSync(join(ROOT, dirname(pattern))).filter((file) => file.startsWith(before) && file.endsWith(after))
}

test.each(GROUPS)('the guards and the tests of the group $name are where it says', ({ parts }) => {
  const named = parts.flatMap(({ mutate, tests }) => [...mutate, ...tests])
  expect(named.filter((pattern) => filesOf(pattern).length === 0)).toEqual([])
})

test('a group that there is not is refused with those that there are', () => {
  expect(groupNamed('doors').name).toBe('doors')
  expect(() => groupNamed('windows')).toThrow('There is no group "windows"; there are doors, ')
})

test('what waits for ever is as dead as what is noticed, and what no test reaches counts against it', () => {
  const ended = (
    status: 'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'Ignored' | 'CompileError',
    times: number,
  ) => Array.from({ length: times }, () => ({ status }))
  const score = scoreOf('doors', [
    ...ended('Killed', 80),
    ...ended('Timeout', 5),
    ...ended('Survived', 9),
    ...ended('NoCoverage', 6),
    ...ended('Ignored', 50),
    ...ended('CompileError', 50),
  ])
  expect(score).toEqual({ name: 'doors', killed: 80, timedOut: 5, survived: 9, uncovered: 6, percent: 85 })
  expect(score.percent).toBeGreaterThanOrEqual(MUST_BE_KILLED)
  expect(tableOf([score])).toContain('| doors | 100 | 80 | 5 | 9 | 6 | 85.0 |')
  expect(scoreOf('nothing', []).percent).toBe(0)
})
