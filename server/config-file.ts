import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { createJiti } from 'jiti'
import * as zod from 'zod'
import type { CarillonConfig } from './config.ts'
import { SetupError } from './errors.ts'
import * as carillon from './index.ts'

const isResolvable = (name: string, from: string): boolean => {
  try {
    return Boolean(createRequire(from).resolve(name))
  } catch {
    return false
  }
}

/**
 * Loads the host's configuration, TypeScript or JavaScript, on every Node that Carillon runs on. It may stand anywhere:
 * `carillon` is this server's own, and `zod` is the host's, or this server's where the host has none.
 */
export const loadConfigFile = async (file: string): Promise<CarillonConfig> => {
  const path = resolve(file)
  if (!existsSync(path)) {
    throw new SetupError(
      `There is no configuration at ${path}. Write one (export default defineConfig({ notifiers: [...] })), or name another with CARILLON_CONFIG=...`,
    )
  }
  const jiti = createJiti(path, {
    // A change must count at the next start.
    moduleCache: false,
    virtualModules: { carillon, ...(isResolvable('zod', path) ? {} : { zod }) },
  })
  let loaded: unknown
  try {
    loaded = await jiti.import(path, { default: true })
  } catch (error) {
    const { message } = error as Error
    throw new SetupError(`The configuration ${path} cannot be loaded: ${message}`)
  }
  if (typeof loaded !== 'object' || loaded === null || !Array.isArray((loaded as CarillonConfig).notifiers)) {
    throw new SetupError(
      `The configuration ${path} has no default export with \`notifiers\`: write "export default defineConfig({ notifiers: [...] })"`,
    )
  }
  return loaded as CarillonConfig
}
