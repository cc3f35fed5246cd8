import { expect, test } from 'vitest'
import type { DigestMatch } from '../../server/core/digest-bucket.ts'
import { plan } from '../../server/core/plan.ts'
import type { PlanFacts } from '../../server/core/plan-facts.ts'
import { FACTS, NOON } from '../support/stories.ts'

const after = (milliseconds: number): Date => new Date(NOON.getTime() + milliseconds)

/** It would stand in the way of anything else. */
const QUIET_DAY: Partial<PlanFacts> = { quietHours: [{ start: '08:00', end: '20:00', days: [], channels: [] }] }
const matchUntil = (windowEndsAt: Date): DigestMatch => ({
  ruleIdentity: 'threads',
  groupBy: 'category',
  windowStartsAt: after(-60_000),
  windowEndsAt,
})

const decide = (changes: Partial<PlanFacts>) => {
  const planned = plan({ ...FACTS, ...changes }, NOON)
  const answerOf = (rule: string) => planned.answers.find((answer) => answer.rule === rule)
  return { ...planned, answerOf, asked: planned.answers.map(({ rule }) => rule) }
}

test('what a rule holds is held until its window is over, and says which window', () => {
  const facts = {
    ruleIdentity: 'threads',
    groupBy: 'category',
    windowStartsAt: '2026-01-15T11:59:00.000Z',
    windowEndsAt: '2026-01-15T12:00:00.001Z',
  }
  const { verdict, reason, answerOf } = decide({ digest: matchUntil(after(1)) })
  expect([verdict, reason]).toEqual(['digest', 'digest_rule'])
  expect(answerOf('digest')).toEqual({ rule: 'digest', verdict: 'digest', reason: 'digest_rule', facts })
  const over = decide({ digest: matchUntil(NOON) })
  expect(over.verdict).toBe('pass')
  expect(over.answerOf('digest')).toEqual({
    rule: 'digest',
    verdict: 'pass',
    reason: null,
    facts: { ...facts, windowEndsAt: '2026-01-15T12:00:00.000Z' },
  })
})

test('what asks for a digest and finds no rule passes, and says so; what asks for none says nothing', () => {
  const passed = { rule: 'digest', verdict: 'pass', reason: null }
  expect(decide({ digest: 'no_rule' }).answerOf('digest')).toEqual({ ...passed, facts: { no_digest_rule: true } })
  expect(decide({ digest: null }).answerOf('digest')).toEqual({ ...passed, facts: {} })
})

test('caps and quiet hours are asked of the digest, and not of what it holds', () => {
  const held = decide({ ...QUIET_DAY, digest: matchUntil(after(1)) })
  expect([held.verdict, held.asked.filter((rule) => rule === 'delivery_cap' || rule === 'quiet_hours')]).toEqual([
    'digest',
    [],
  ])
  expect(held.asked).toContain('address')
  expect(held.asked).toContain('fallback')
  for (const digest of [null, 'no_rule', matchUntil(NOON)] as const) {
    const free = decide({ ...QUIET_DAY, digest })
    expect([free.verdict, free.asked.includes('delivery_cap')]).toEqual(['defer', true])
  }
})

test('a digest that has nobody to go to is not held for', () => {
  const { verdict, reason } = decide({
    digest: matchUntil(after(1)),
    addresses: { needed: true, usable: 0, bounced: 0 },
  })
  expect([verdict, reason === 'digest_rule']).toEqual(['suppress', false])
})

test('of its members, when it closes, neither address nor caps nor quiet hours are asked', () => {
  const member = decide({
    ...QUIET_DAY,
    checkpoint: 'perform',
    member: { excludeRead: false },
    addresses: { needed: true, usable: 0, bounced: 0 },
  })
  expect(member.asked).toEqual(['expiry', 'notification_preference', 'category_preference', 'read_state'])
  expect(member.verdict).toBe('pass')
})

test('a member that was read is left out where the rule says so, and says that it was', () => {
  const answer = (excludeRead: boolean, read: boolean) =>
    decide({ checkpoint: 'perform', member: { excludeRead }, read }).answerOf('read_state')
  const passed = { rule: 'read_state', verdict: 'pass', reason: null }
  expect(answer(true, true)).toEqual({
    rule: 'read_state',
    verdict: 'suppress',
    reason: 'already_read',
    facts: { excludeRead: true, read: true },
  })
  expect(answer(true, false)).toEqual({ ...passed, facts: { excludeRead: true, read: false } })
  for (const read of [true, false]) expect(answer(false, read)).toEqual({ ...passed, facts: {} })
})
