import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkSync } from 'recheck'
import { test } from 'vitest'
import { tallyOf } from './tally.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** The regular expressions of a text, as they are written: behind what can stand before a value, and on one line. */
const LITERAL =
  /(?<=[(=,:[!&|?{};\n]\s*|return\s+)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g

const literals = ['server', 'schema', 'client-sdk'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('generated'))
    .flatMap((file) => {
      const text = readFileSync(join(ROOT, folder, file), 'utf8')
      return [...text.matchAll(LITERAL)].map(([, source = '', flags = '']) => ({
        file: join(folder, file),
        source,
        flags,
      }))
    }),
)

/** What is read out of the operator's own settings, or was made here, and by nobody else: no caller can make it long. */
const OWN_SETTINGS = new Set([
  'server/environment.ts: \\/+$',
  'server/adapters/twilio.ts: \\/+$',
  'server/adapters/receivers/twilio.ts: \\/+$',
  'server/adapters/vapid.ts: ^mailto:.+@.+$',
  'server/adapters/web-push.ts: [\\w-]+\\.[\\w.-]+',
  // Looks for the start of a run of characters, which the checker does not know of.
  'server/core/secret-words.ts: ^[^\\p{L}\\p{N}]+|(?<![^\\p{L}\\p{N}])[^\\p{L}\\p{N}]+$',
])

const isExpression = (source: string, flags: string): boolean => {
  try {
    return new RegExp(source, flags) instanceof RegExp
  } catch {
    return false
  }
}

// Takes more than a minute, and changes only where an expression does.
test.runIf(process.env['CARILLON_REDOS'])(
  'S25: no regular expression takes longer than the text that it is given is long, by more than a little',
  () => {
    const tally = tallyOf('S25')
    const known = new Set<string>()
    for (const { file, source, flags } of literals) {
      if (!isExpression(source, flags) || known.has(source) || OWN_SETTINGS.has(`${file}: ${source}`)) continue
      known.add(source)
      // The checker knows no v flag, and u in its stead is stricter.
      const result = checkSync(source, flags.replace('v', 'u'), { timeout: 20_000, seed: 1 } as never)
      const summary = 'complexity' in result ? result.complexity?.summary : ''
      tally.tried(`${file}: /${source}/${flags} is ${result.status} ${summary}`, result.status === 'vulnerable')
    }
    tally.report()
  },
  300_000,
)
