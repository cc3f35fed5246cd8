import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { NAME } from './cluster.ts'
import { HOST } from './connection.ts'
import { pointedAt } from './elsewhere.ts'

/**
 * Where the cluster of a data directory answers while a process runs it; `null` where there is none. That it runs is
 * seen by who connects.
 */
export const runningClusterUrl = async (dataDir: string): Promise<string | null> => {
  const absolute = resolve(dataDir)
  const folder = (await pointedAt(absolute)) ?? join(absolute, 'postgres')
  const [port, password] = await Promise.all(
    ['port', 'password'].map((name) =>
      readFile(join(folder, name), 'utf8').then(
        (text) => text.trim(),
        () => '',
      ),
    ),
  )
  return port && password ? `postgres://${NAME}:${password}@${HOST}:${port}/${NAME}` : null
}
