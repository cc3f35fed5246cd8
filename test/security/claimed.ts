import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
export const SECURITY_PAGE = 'docs/security.md'

/** One file of tests that docs/security.md names in the row of an attack, and how many it says are tried there. */
export interface Claim {
  readonly id: string
  /** From the root of the repository. */
  readonly file: string
  readonly tried: number
}

/** What docs/security.md says in its table: `| S3 | … | [bombs](../test/security/bombs.test.ts) 210 |`. */
export const claims = (): readonly Claim[] =>
  [...readFileSync(join(ROOT, SECURITY_PAGE), 'utf8').matchAll(/^\| (S\d+) \|.*\|$/gm)].flatMap(([row, id = '']) =>
    [...row.matchAll(/\]\(\.\.\/(test\/[^)]+)\) ([\d,]+)/g)].map(([, file = '', tried = '']) => ({
      id,
      file,
      tried: Number(tried.replaceAll(',', '')),
    })),
  )

/** How many attacks of one kind the page says that a file of tests tries; 0 where it does not name the file. */
export const attemptsClaimed = (id: string, testPath: string): number =>
  claims().find((claim) => claim.id === id && claim.file === relative(ROOT, testPath))?.tried ?? 0
