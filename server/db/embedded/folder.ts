import { chmod, lchown, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, ownerOf } from './account.ts'
import { run } from './command.ts'

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Whether a folder holds a cluster that was made to its end. */
export const hasCluster = (folder: string): Promise<boolean> => exists(join(folder, 'data', 'PG_VERSION'))

/** Whether an account can work in a folder. Asks by doing: modes alone do not tell of parents, lists and mounts. */
export const mayWork = async (account: Account, folder: string): Promise<boolean> => {
  const script = 'cd "$1" && test -w . && test -x .'
  return (await run('/bin/sh', ['-c', script, 'sh', folder], { account, cwd: '/' })).ok
}

/** Makes a folder for the account alone; of one that is there already it changes no more than the owner. */
export const give = async (folder: string, account: Account): Promise<void> => {
  const made = await mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
  if ((await ownerOf(folder))?.uid !== account.uid) await lchown(folder, account.uid, account.gid)
  if (made) await chmod(folder, 0o700)
}
