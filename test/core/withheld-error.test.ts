import { expect, test } from 'vitest'
import { withheld } from '../../server/core/withheld-error.ts'

test('an error that is withheld says where, and nothing of its message', () => {
  const error = new Error('hunter2\n    at hunter2\nhunter2')
  const shown = withheld(error)
  expect(`${shown.message} ${shown.stack}`).not.toContain('hunter2')
  expect(shown.stack).toMatch(/\n {4}at .*withheld-error\.test\.ts:\d+:\d+/)
  expect(shown.cause).toBeUndefined()
})

test.each([['hunter2'], [{ message: 'hunter2', stack: 'hunter2' }], [null]])(
  'what is no error is not told',
  (thrown) => {
    expect(`${withheld(thrown).stack}`).not.toContain('hunter2')
  },
)
