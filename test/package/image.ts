import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runIn } from '../support/npm.ts'
import type { Stage } from './dockerfile.ts'

/** Where a stage was replayed. */
export interface Image {
  /** Stands for `/`. */
  readonly root: string
  readonly workdir: string
}

/**
 * Carries out what a stage copies and runs in a folder that stands for its root: the paths that it names are taken from
 * there. `context` is what was sent to be built, and `built` what the stage before has made of it.
 */
export const replayStage = async (
  { instructions }: Stage,
  { root, context, built }: { readonly root: string; readonly context: string; readonly built: string },
): Promise<Image> => {
  const inRoot = (text: string): string => text.replaceAll(/(?<=^|\s)\/(?=opt\/|usr\/local\/bin\/|app)/g, `${root}/`)
  await mkdir(join(root, 'usr/local/bin'), { recursive: true })
  let workdir = root
  for (const { word, rest } of instructions) {
    if (word === 'WORKDIR') {
      workdir = inRoot(rest)
      await mkdir(workdir, { recursive: true })
    } else if (word === 'COPY') {
      const isOfBuild = rest.startsWith('--from=build ')
      const paths = rest.replace('--from=build ', '').split(/\s+/)
      const target = join(workdir, paths.at(-1) ?? '')
      for (const path of paths.slice(0, -1)) {
        const source = isOfBuild ? path.replace(/^\/src/, built) : join(context, path)
        await cp(source, paths.length > 2 ? join(target, path) : target, { recursive: true })
      }
    } else if (word === 'RUN') {
      // The cache of packages belongs to this machine, not to an image.
      await runIn(workdir, ['sh', '-ec', inRoot(rest).replace(/&& npm cache clean --force/, '')])
    }
  }
  return { root, workdir }
}
