import type { Environment } from '../environment.ts'
import { type ConsoleOptions, consolePages } from '../http/console.ts'
import type { Page } from '../http/page.ts'
import { loadPageBundle } from './page-bundle.ts'

/** The console's pages, where the environment wants them; in development with the operator's key filled in. */
export const servedConsole = (
  { console, production }: Pick<Environment, 'console' | 'production'>,
  { credential, telemetry }: Pick<ConsoleOptions, 'credential' | 'telemetry'>,
): readonly (readonly [string, Page])[] =>
  console
    ? consolePages({ credential, telemetry, loadBundle: () => loadPageBundle('console'), changing: !production })
    : []
