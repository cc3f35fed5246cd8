import { readConfig } from '../../app.ts'
import type { CarillonConfig } from '../../config.ts'
import { loadConfigFile } from '../../config-file.ts'
import { type Environment, readEnvironment } from '../../environment.ts'
import { type Finding, fault, faultOf, ok, warning } from './finding.ts'

/** As package.json has it: the oldest of 20 that loads modules the way that is used here, and all later ones. */
const OLDEST_NODE = [20, 19] as const

export const nodeFinding = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const old = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])
  return old
    ? fault('Node', version, `Carillon needs Node ${OLDEST_NODE.join('.')} or later: upgrade it`)
    : ok('Node', version)
}

/** The environment, where it has no fault, and what is to be said of it. */
export const lookAtEnvironment = (
  variables: NodeJS.ProcessEnv,
): { readonly environment: Environment | null; readonly findings: readonly Finding[] } => {
  let environment: Environment
  try {
    environment = readEnvironment(variables)
  } catch (error) {
    const seen = (error as Error).message.split('\n- ').slice(1).join('; ')
    return { environment: null, findings: [fault('environment', seen, 'Set these variables right, then look again')] }
  }
  const { production, databaseUrl, secretKey, role } = environment
  const missing = [databaseUrl ? [] : ['DATABASE_URL'], secretKey ? [] : ['CARILLON_SECRET_KEY']].flat()
  const seen = `${production ? 'production' : 'development'}, role ${role}`
  return {
    environment,
    findings: [
      production && missing.length > 0
        ? fault('environment', `${seen}, without ${missing.join(' and ')}`, 'Production needs them: set them')
        : ok('environment', seen),
    ],
  }
}

export interface LoadedConfig {
  readonly config: CarillonConfig
  readonly read: ReturnType<typeof readConfig>
}

/** The configuration, where it has no fault, and what is to be said of it. */
export const lookAtConfiguration = async ({
  configFile,
  publicUrl,
  production,
}: Environment): Promise<{ readonly loaded: LoadedConfig | null; readonly findings: readonly Finding[] }> => {
  try {
    const config = await loadConfigFile(configFile)
    const read = readConfig(config)
    const seen = `${configFile}: ${read.notifiers.size} notifiers, channels ${['in_app', ...read.routes.keys()].join(', ')}`
    const linkless = production && publicUrl === null && read.routes.has('email')
    return {
      loaded: { config, read },
      findings: [
        ok('configuration', seen),
        ...(linkless
          ? [
              warning(
                'links',
                'CARILLON_PUBLIC_URL is not set: e-mail carries no link to unsubscribe',
                'Large mailbox providers ask for one: set it to the https address where this server is found',
              ),
            ]
          : []),
      ],
    }
  } catch (error) {
    return { loaded: null, findings: [faultOf('configuration', error as Error)] }
  }
}
