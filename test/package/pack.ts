import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runIn } from '../support/npm.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What a build does not read, or makes. */
const NO_SOURCES = ['node_modules', 'dist', 'test', 'docs', 'coverage']

/** What a build has made. */
export interface Packed {
  /** What `npm publish` would send. */
  readonly tarball: string
  /** The copy of the sources that was built. */
  readonly sources: string
}

/** Builds and packs the package out of a copy of the sources, so that nothing an earlier build has left counts. */
export const packPackage = async (folder: string): Promise<Packed> => {
  const copy = join(folder, 'sources')
  await mkdir(copy, { recursive: true })
  for (const name of await readdir(ROOT)) {
    if (name.startsWith('.') || NO_SOURCES.includes(name)) continue
    await cp(join(ROOT, name), join(copy, name), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  await runIn(copy, ['npm', 'run', 'build'])
  await runIn(copy, ['npm', 'pack', '--ignore-scripts', '--pack-destination', folder])
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack made no tarball in ${folder}`)
  return { tarball: join(folder, tarball), sources: copy }
}
