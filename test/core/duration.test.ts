import fc from 'fast-check'
import { expect, test } from 'vitest'
import { durationMs } from '../../server/core/duration.ts'

test.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['2h', 7_200_000],
  ['3d', 259_200_000],
  ['0s', 0],
  ['1.5h', 5_400_000],
])('%s is %i ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each(['', 's', '15', '-5s', '1e3s', ' 5s', '5s ', '5 s', '5S', '5ms', '.5s', '5.s', '5s5m', 'Infinitys', '٣d'])(
  '%j is no duration',
  (text) => {
    expect(durationMs(text)).toBeNull()
  },
)

test('whatever is made of a number and a unit is a duration, in proportion to its unit', () => {
  fc.assert(
    fc.property(fc.nat(), (count) => {
      expect(durationMs(`${count}m`)).toBe(60 * (durationMs(`${count}s`) ?? Number.NaN))
      expect(durationMs(`${count}h`)).toBe(60 * (durationMs(`${count}m`) ?? Number.NaN))
      expect(durationMs(`${count}d`)).toBe(24 * (durationMs(`${count}h`) ?? Number.NaN))
    }),
  )
})
