import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, readPages } from './support/pages.ts'

const withoutBlocks = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')

/** A heading's name in links, as GitHub makes it. */
const slugOf = (heading: string): string =>
  heading
    .replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, (_, label: string | undefined) => label ?? '')
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const headingsOf = (text: string): ReadonlySet<string> => {
  const seen = new Map<string, number>()
  const slugs = [...withoutBlocks(text).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => {
    const slug = slugOf(heading)
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
  return new Set(slugs)
}

const linksOf = (text: string): string[] => {
  const prose = withoutBlocks(text).replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string)
}

test('every link between the pages, to files and to headings leads somewhere', () => {
  const pages = readPages()
  const faults = pages.flatMap(({ path, text }) =>
    linksOf(text).flatMap((target) => {
      if (/^https?:|^mailto:/.test(target)) return []
      const [file = '', heading] = target.split('#')
      const to = file === '' ? path : normalize(join(dirname(path), file))
      if (!existsSync(join(ROOT, to))) return [`${path}: there is no ${to}`]
      if (heading === undefined) return []
      if (statSync(join(ROOT, to)).isDirectory()) return [`${path}: ${to} is a folder and has no headings`]
      return headingsOf(readFileSync(join(ROOT, to), 'utf8')).has(heading) ? [] : [`${path}: no heading ${target}`]
    }),
  )
  expect(faults).toEqual([])
})

test('the index leads to every guide', () => {
  const [index] = readPages().filter(({ path }) => path === 'docs/README.md')
  const led = new Set(linksOf(index?.text ?? '').map((target) => normalize(join('docs', target.split('#')[0] ?? ''))))
  const guides = readPages().map(({ path }) => path)
  const missing = guides.filter((path) => path.startsWith('docs/') && path !== 'docs/README.md' && !led.has(path))
  expect(missing.map((path) => relative('docs', path))).toEqual([])
})

test('each guide has one title, and it comes first', () => {
  for (const { path, text } of readPages()) {
    const titles = withoutBlocks(text).match(/^# .*$/gm) ?? []
    expect([path, titles.length, text.startsWith('# ')]).toEqual([path, 1, true])
  }
})
