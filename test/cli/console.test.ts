import { expect, test } from 'vitest'
import { servedConsole } from '../../server/cli/console.ts'
import { readEnvironment } from '../../server/environment.ts'
import { createTelemetry } from '../../server/telemetry.ts'

test('the console is there unless the environment turns it off', () => {
  const paths = (env: NodeJS.ProcessEnv) =>
    servedConsole(readEnvironment(env), { credential: null, telemetry: createTelemetry() }).map(([path]) => path)
  const all = ['/console', '/console/', '/console/console.js', '/console/console.css']
  expect(paths({})).toEqual(all)
  expect(paths({ CARILLON_CONSOLE: 'on', NODE_ENV: 'production' })).toEqual(all)
  expect(paths({ CARILLON_CONSOLE: 'off' })).toEqual([])
})
