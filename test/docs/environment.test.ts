import { expect, test } from 'vitest'
import { environmentVariables } from '../../server/environment.ts'
import { readPage } from './support/pages.ts'

test('the table of settings in docs/installation.md names every variable that is read, and no other', () => {
  const { text } = readPage('docs/installation.md')
  const table = /^## Settings$([\s\S]*?)(?=^## )/m.exec(text)?.[1] ?? ''
  const rows = [...table.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \|/gm)].map(([, cell = '']) => cell)
  const named = rows.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name as string))
  expect({
    'to be described in docs/installation.md': environmentVariables.filter((name) => !named.includes(name)),
    'described and not read': named.filter((name) => !environmentVariables.includes(name)),
  }).toEqual({ 'to be described in docs/installation.md': [], 'described and not read': [] })
})
