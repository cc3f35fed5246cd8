import { execFile } from 'node:child_process'
import type { Account } from './account.ts'

/** Where and as whom a program runs; `null` is the account of this process. */
export interface Circumstances {
  readonly account: Account | null
  readonly cwd: string
}

/**
 * Spawn options for Postgres's programs. The environment is bare: PG* variables of the shell would change what they
 * do, and the secrets of this process are none of theirs. The folder is given because an inherited one may be closed
 * to the account.
 */
export const spawnOptions = ({ account, cwd }: Circumstances) => {
  const { PATH, SystemRoot, TEMP, TMPDIR } = process.env
  return {
    cwd,
    env: {
      ...(PATH && { PATH }),
      ...(SystemRoot && { SystemRoot }),
      ...(TEMP && { TEMP }),
      ...(TMPDIR && { TMPDIR }),
      LC_ALL: 'C',
      TZ: 'UTC',
    },
    windowsHide: true,
    ...(account && { uid: account.uid, gid: account.gid }),
  }
}

export interface Outcome {
  readonly ok: boolean
  /** All that it wrote; why it could not run where it did not. */
  readonly output: string
}

/** Runs a program to its end and never rejects. */
export const run = (file: string, args: readonly string[], circumstances: Circumstances): Promise<Outcome> =>
  new Promise<Outcome>((resolve) => {
    execFile(file, args, spawnOptions(circumstances), (error, stdout, stderr) => {
      const written = `${stdout}\n${stderr}`.trim()
      resolve({ ok: error === null, output: written || (error?.message ?? '') })
    })
    // A binary of another machine fails while spawning, which throws instead of calling back.
  }).catch((error: unknown) => ({ ok: false, output: String(error) }))
