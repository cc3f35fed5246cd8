import { expect, test } from 'vitest'
import type { DigestRule, DigestWindow } from '../../server/core/digest-rule.ts'
import { digestRuleFault } from '../../server/core/digest-rule-fault.ts'

const RULE: DigestRule = {
  key: 'daily',
  version: 1,
  channel: 'email',
  matchNotificationKey: null,
  matchCategory: null,
  groupBy: 'category',
  window: { kind: 'fixed', minutes: 60 },
  maxItems: null,
  excludeRead: false,
}

const faultOf = (change: object) => {
  const fault = digestRuleFault({ ...RULE, ...change }, ['rule'], (field) => ['rule', 'window', field])
  return fault && `${fault.path.join('.')} ${fault.message}`
}

const fixed = (minutes: number): DigestWindow => ({ kind: 'fixed', minutes })
const sliding = (minutes: number, maxMinutes: number): DigestWindow => ({ kind: 'sliding', minutes, maxMinutes })
const boundary = (time: string, timeZone: string | null = null): DigestWindow => ({ kind: 'boundary', time, timeZone })

test.each<[object]>([
  [{}],
  [{ matchNotificationKey: 'comment.added', matchCategory: 'comments', maxItems: 10_000, excludeRead: true }],
  [{ version: 2 ** 31 - 1 }],
  [{ key: 'x'.repeat(255) }],
  [{ window: fixed(1) }],
  [{ window: fixed(525_600) }],
  [{ window: sliding(10, 10) }],
  [{ window: sliding(1, 525_600) }],
  [{ window: boundary('00:00') }],
  [{ window: boundary('23:59', 'Asia/Kathmandu') }],
])('a rule with %j is one', (change) => {
  expect(faultOf(change)).toBeNull()
})

test.each<[object, string]>([
  [{ key: ' ' }, 'rule.key is blank'],
  [{ key: 'x'.repeat(256) }, 'rule.key is longer than 255 characters'],
  [{ key: 'a\0' }, 'rule.key contains a NUL character or a lone surrogate'],
  [{ channel: '' }, 'rule.channel is blank'],
  [{ matchNotificationKey: '' }, 'rule.matchNotificationKey is blank'],
  [{ matchCategory: '\ud800' }, 'rule.matchCategory contains a NUL character or a lone surrogate'],
  [{ version: 0 }, 'rule.version must be a positive whole number'],
  [{ version: 1.5 }, 'rule.version must be a positive whole number'],
  [{ version: 2 ** 31 }, 'rule.version must be a positive whole number'],
  [{ maxItems: 0 }, 'rule.maxItems must be a whole number from 1 to 10000'],
  [{ maxItems: 10_001 }, 'rule.maxItems must be a whole number from 1 to 10000'],
  [{ window: fixed(0) }, 'rule.window.minutes must be a whole number of minutes from 1 to 525600'],
  [{ window: fixed(0.5) }, 'rule.window.minutes must be a whole number of minutes from 1 to 525600'],
  [{ window: fixed(Number.NaN) }, 'rule.window.minutes must be a whole number of minutes from 1 to 525600'],
  [{ window: fixed(525_601) }, 'rule.window.minutes must be a whole number of minutes from 1 to 525600'],
  [{ window: sliding(0, 10) }, 'rule.window.minutes must be a whole number of minutes from 1 to 525600'],
  [{ window: sliding(10, 525_601) }, 'rule.window.maxMinutes must be a whole number of minutes from 1 to 525600'],
  [
    { window: sliding(10, 9) },
    'rule.window.maxMinutes must not be shorter than what each further item extends the window by',
  ],
  [{ window: boundary('9:00') }, 'rule.window.time must be a local time such as "09:00"'],
  [{ window: boundary('24:00') }, 'rule.window.time must be a local time such as "09:00"'],
  [
    { window: boundary('09:00', '+02:00') },
    'rule.window.timeZone is not an IANA time zone name, such as Europe/Berlin',
  ],
])('a rule with %j is refused, with the field', (change, message) => {
  expect(faultOf(change)).toBe(message)
})
