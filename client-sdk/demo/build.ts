import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundleDemo } from './bundle.ts'

const folder = fileURLToPath(new URL('../../dist/client-sdk/demo/', import.meta.url))
const { script, style } = await bundleDemo()
await mkdir(folder, { recursive: true })
await writeFile(`${folder}demo.js`, script)
await writeFile(`${folder}demo.css`, style)
