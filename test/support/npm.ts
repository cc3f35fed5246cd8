import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Without what npm and vitest tell their own children, which would make other projects of them. */
export const plainEnvironment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$|CARILLON_|TEST_|DATABASE_URL$|PORT$|HOST$|INIT_CWD$)/.test(name),
  )
  return { ...Object.fromEntries(inherited), ...more }
}

/** Runs a program to its end, with a plain environment, and answers what it printed; rejects with that where it fails. */
export const runIn = async (
  folder: string,
  [file, ...args]: readonly [string, ...string[]],
  { env = {}, uid, timeoutMs = 300_000 }: { env?: NodeJS.ProcessEnv; uid?: number; timeoutMs?: number } = {},
): Promise<string> => {
  const options = { cwd: folder, env: plainEnvironment(env), timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }
  try {
    const { stdout, stderr } = await run(file, args, { ...options, ...(uid !== undefined && { uid, gid: uid }) })
    return `${stdout}${stderr}`
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    throw new Error(`${[file, ...args].join(' ')} in ${folder} failed: ${message.split('\n')[0]}\n${stdout}${stderr}`)
  }
}

/** What npm is told so that it installs quickly and asks nobody for more than the packages. */
export const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'] as const

/** Whether the registry of npm packages answers; tests that install from it are skipped by name where it does not. */
export const registryAnswers = (): Promise<boolean> =>
  runIn('/', ['npm', 'view', 'npm', 'version', '--fetch-retries=0', '--fetch-timeout=15000', '--prefer-online']).then(
    () => true,
    () => false,
  )
