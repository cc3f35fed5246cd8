import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundlePage, PAGES, type PageName } from './page-bundle.ts'

for (const name of Object.keys(PAGES) as PageName[]) {
  const folder = fileURLToPath(new URL(`../dist/client-sdk/${name}/`, import.meta.url))
  const { script, style } = await bundlePage(name)
  await mkdir(folder, { recursive: true })
  await writeFile(`${folder}${name}.js`, script)
  await writeFile(`${folder}${name}.css`, style)
}
