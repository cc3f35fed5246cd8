import { readFile } from 'node:fs/promises'

/** The demo page's script and style: from a checkout as its sources are now, in the package as it was built. */
export const loadDemoBundle = async (): Promise<{ readonly script: string; readonly style: string }> => {
  if (import.meta.url.endsWith('.ts')) {
    const { bundleDemo } = await import('../../client-sdk/demo/bundle.ts')
    return bundleDemo()
  }
  const read = (name: string): Promise<string> =>
    readFile(new URL(`../../client-sdk/demo/${name}`, import.meta.url), 'utf8')
  const [script, style] = await Promise.all([read('demo.js'), read('demo.css')])
  return { script, style }
}
