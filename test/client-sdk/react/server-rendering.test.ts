import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { createClient } from '../../../client-sdk/index.ts'
import {
  CarillonProvider,
  ENGLISH,
  Inbox,
  InboxBell,
  PreferenceCenter,
  useInboxCounts,
} from '../../../client-sdk/react/index.ts'
import { safeUrl } from '../../../client-sdk/react/item.tsx'
import { relativeTime } from '../../../client-sdk/react/time.tsx'

test('on a server everything renders, empty, and nothing is asked', () => {
  let asked = 0
  const client = createClient({
    url: 'http://127.0.0.1:1/graphql',
    token: () => {
      asked += 1
      return null
    },
  })
  const Count = () => createElement('b', null, useInboxCounts().unread)
  const html = renderToString(
    createElement(
      CarillonProvider,
      { client, labels: { inbox: 'Mitteilungen' } },
      createElement(InboxBell),
      createElement(Inbox),
      createElement(PreferenceCenter),
      createElement(Count),
    ),
  )
  expect(html).toContain('aria-label="Notifications"')
  expect(html).toContain('Mitteilungen')
  expect(html).toContain(ENGLISH.loading)
  expect(html).toContain('<b>0</b>')
  expect(asked).toBe(0)
})

test('a component without a provider says what is missing', () => {
  expect(() => renderToString(createElement(Inbox))).toThrow('CarillonProvider')
})

test.each([
  ['2026-01-01T12:00:00Z', 'now'],
  ['2026-01-01T11:59:31Z', 'now'],
  ['2026-01-01T11:58:00Z', '2 minutes ago'],
  ['2026-01-01T09:00:00Z', '3 hours ago'],
  ['2025-12-31T12:00:00Z', 'yesterday'],
  ['2025-01-01T12:00:00Z', 'last year'],
  ['2026-01-01T12:00:09Z', 'now'],
])('%s was %s', (instant, words) => {
  expect(relativeTime(instant, Date.parse('2026-01-01T12:00:00Z'), 'en')).toBe(words)
})

test.each([
  ['https://example.test/a', true],
  ['/threads/1', true],
  ['mailto:ann@example.test', true],
  ['javascript:alert(1)', false],
  [' JavaScript:alert(1)', false],
  ['data:text/html,x', false],
  ['//[', false],
])('a link to %s is shown: %s', (url, shown) => {
  expect(safeUrl(url) !== undefined).toBe(shown)
})
