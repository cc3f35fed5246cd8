import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { readDevFile, startProcess } from '../cli/carillon-process.ts'
import { launchChromium } from './support/chromium.ts'

/** The pictures of the guides, of the demo as it is now: `npm run screenshots`. */

const FOLDER = resolve(import.meta.dirname, '../../docs/images')
const NEWS = [
  { author: 'Grace', text: 'The figures of the third quarter are in.' },
  { author: 'Linus', text: 'Can you review this before noon?' },
  { author: 'Ada', text: 'Have a look at this' },
]

const tell = async (page: Page): Promise<void> => {
  await page.getByText('Somebody mentioned you in a comment.').waitFor()
  for (const news of NEWS) {
    const payload = { ...news, threadId: 't1', mentioned: ['bob', 'carol'] }
    await page.getByLabel('Payload').fill(JSON.stringify(payload, null, 2))
    await page.getByRole('button', { name: 'Trigger' }).click()
    await page.getByRole('article').filter({ hasText: news.text }).nth(1).waitFor()
  }
  await page.getByText('What would have sent it').nth(1).waitFor()
}

const dataDir = await mkdtemp(join(tmpdir(), 'carillon-pictures-'))
await chmod(dataDir, 0o755)
await mkdir(FOLDER, { recursive: true })
const carillon = startProcess({ CARILLON_DATA_DIR: dataDir, PORT: '0' })
const browser = await launchChromium()
try {
  await carillon.ready
  const url = (await readDevFile(dataDir)).graphqlUrl.replace('/graphql', '/demo')
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 })
  page.setDefaultTimeout(120_000)
  await page.goto(url)
  await tell(page)
  const carol = page.getByRole('region', { name: 'Carol’s page' })
  await carol.getByRole('button', { name: 'Mark as read' }).last().click()
  await carol.getByRole('button', { name: 'Notifications, 2 unread' }).waitFor()
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(FOLDER, 'demo.png'), animations: 'disabled' })
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: join(FOLDER, 'demo-dark.png'), animations: 'disabled' })
} finally {
  await browser.close()
  await carillon.stop()
  await rm(dataDir, { recursive: true, force: true })
}
