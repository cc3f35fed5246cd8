import { readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join, relative } from 'node:path'

export interface Manifest {
  readonly name: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The files of an unpacked package, by their paths in it. */
export const filesOf = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()

const IMPORTED = /(?:\bfrom|\bimport)\s*\(?\s*['"]((?:node:|@)?[a-z][\w./-]*)['"]/g

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

/** Packages that a package's code and types name and its manifest does not, with a file that names each. */
export const undeclaredImports = async (folder: string): Promise<string[]> => {
  const { name, dependencies, peerDependencies } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  ) as Manifest
  const declared = new Set([name, ...Object.keys({ ...dependencies, ...peerDependencies })])
  const code = (await filesOf(folder)).filter((file) => /\.(?:js|d\.ts)$/.test(file))
  const found = await Promise.all(
    code.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8')
      return [...text.matchAll(IMPORTED)]
        .map(([, specifier = '']) => specifier)
        .filter((specifier) => !isBuiltin(specifier) && !declared.has(packageOf(specifier)))
        .map((specifier) => `${specifier} in ${file}`)
    }),
  )
  return found.flat()
}
