#!/usr/bin/env node
import { runCommandLine } from './cli/run.ts'

// Whoever reads no further, such as head, wants nothing more.
process.stdout.on('error', () => process.exit(process.exitCode ?? 0))

process.exit(await runCommandLine(process.argv.slice(2)))
