import { readFile } from 'node:fs/promises'
import type { PageBundle, PageName } from '../../client-sdk/page-bundle.ts'

/** A page's script and style: from a checkout as its sources are now, in the package as it was built. */
export const loadPageBundle = async (name: PageName): Promise<PageBundle> => {
  if (import.meta.url.endsWith('.ts')) {
    const { bundlePage } = await import('../../client-sdk/page-bundle.ts')
    return bundlePage(name)
  }
  const read = (file: string): Promise<string> =>
    readFile(new URL(`../../client-sdk/${name}/${file}`, import.meta.url), 'utf8')
  const [script, style] = await Promise.all([read(`${name}.js`), read(`${name}.css`)])
  return { script, style }
}
