import { defineConfig } from 'vitest/config'
import type { Reporter, Vitest } from 'vitest/node'
import usual from '../../vitest.config.ts'
import { groupNamed } from './groups.ts'

const { parts, database } = groupNamed(process.env['CARILLON_MUTANTS_GROUP'] ?? '')
const { tests = [] } = parts[Number(process.env['CARILLON_MUTANTS_PART'])] ?? {}

/** Stryker looks at tests alone: a file of them that a mutant keeps from loading would pass for one in which nothing failed. */
const tellOfUnloaded = (): Reporter => {
  let vitest: Vitest | undefined
  return {
    onInit(running) {
      vitest = running
    },
    onTestModuleEnd(module) {
      for (const error of module.errors()) vitest?.state.catchError(error, 'Unhandled Error')
    },
  }
}

/** The usual tests, but of one part of a group, and with a PostgreSQL where they want one: each mutant is one more run. */
export default defineConfig({
  ...usual,
  test: {
    ...usual.test,
    include: [...tests],
    globalSetup: database ? ['test/support/cluster.ts'] : [],
    setupFiles: ['test/mutants/found-is-enough.ts'],
    // A mutant that waits for ever is noticed by these: what is left to itself takes a second at most.
    testTimeout: 10_000,
    hookTimeout: 20_000,
    reporters: [tellOfUnloaded()],
  },
})
