import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SetupError } from '../server/errors.ts'

const packageName = async (folder: string): Promise<unknown> => {
  try {
    const content: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return content !== null && typeof content === 'object' && 'name' in content ? content.name : undefined
  } catch {
    return undefined
  }
}

/**
 * The folder of this package, looked for upwards from `folder`: the same from source and from `dist`, into which files
 * that are not code are not copied.
 */
export const packageRoot = async (folder: string): Promise<string> => {
  for (let at = folder; ; at = dirname(at)) {
    if ((await packageName(at)) === 'carillon') return at
    if (dirname(at) === at) {
      throw new SetupError(`No package.json of carillon stands above ${folder}: install the package whole`)
    }
  }
}
