import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'

const CACHE = resolve(import.meta.dirname, '../../../node_modules/.cache/carillon')

const unpacked = async (): Promise<string> => {
  const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'))
  const packageFolder = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string }
  const folder = join(CACHE, `chromium-${version}`)
  if (existsSync(folder)) return folder
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The browser that comes from npm is for Linux on x64, and this is ${process.platform} on ${process.arch}: set CARILLON_CHROMIUM to the path of a Chromium or Chrome`,
    )
  }
  await mkdir(CACHE, { recursive: true })
  // Another test file may be unpacking it too: who is first to rename wins.
  const staging = await mkdtemp(join(CACHE, 'unpacking-'))
  const { TMPDIR } = process.env
  try {
    // Where the package unpacks to.
    process.env['TMPDIR'] = staging
    const { default: pack, inflate } = await import('@sparticuz/chromium')
    await pack.executablePath(join(packageFolder, 'bin'))
    // The libraries that a bare Debian lacks: nss, nspr and expat. All others are libc's.
    await inflate(join(packageFolder, 'bin/al2023.tar.br'))
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = TMPDIR
  }
  // Without any font it ends at the first letter. Relative, for the checkout may be moved.
  await writeFile(
    join(staging, 'fonts.conf'),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>`,
  )
  try {
    await rename(staging, folder)
  } catch (error) {
    await rm(staging, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}

/**
 * A real browser: Chromium out of an npm package, unpacked once into `node_modules/.cache`, with its own libraries and
 * font, so that Node is all that a machine needs. `CARILLON_CHROMIUM` names another.
 */
export const launchChromium = async (): Promise<Browser> => {
  const own = process.env['CARILLON_CHROMIUM']
  try {
    if (own) return await chromium.launch({ executablePath: own, args: ['--no-sandbox'] })
    const folder = await unpacked()
    return await chromium.launch({
      executablePath: join(folder, 'chromium'),
      // It shows this project's own pages alone, and as root it would not start otherwise.
      args: ['--no-sandbox'],
      env: {
        ...process.env,
        LD_LIBRARY_PATH: join(folder, 'al2023/lib'),
        FONTCONFIG_FILE: join(folder, 'fonts.conf'),
      },
    })
  } catch (cause) {
    throw new Error(
      `No browser could be started, and these tests are worth nothing without one. ${own ? 'CARILLON_CHROMIUM names' : 'It came from npm; CARILLON_CHROMIUM may name'} one that runs here.\n${(cause as Error).message}`,
      { cause },
    )
  }
}
