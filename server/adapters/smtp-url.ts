import { isIP } from 'node:net'
import { SetupError } from '../errors.ts'

/** Where and how to reach an SMTP server, as its url says. */
export interface SmtpServer {
  readonly host: string
  /** 587 for smtp, 465 for smtps, where the url has none. */
  readonly port: number
  /** TLS from the first byte; else by STARTTLS where the server offers it. */
  readonly secure: boolean
  readonly auth?: { readonly user: string; readonly pass: string }
  readonly requireTLS?: boolean
  readonly ignoreTLS?: boolean
  readonly tls: { readonly rejectUnauthorized: boolean; readonly servername?: string }
}

const PARAMETERS = ['requireTLS', 'ignoreTLS', 'tls.rejectUnauthorized', 'tls.servername'] as const
type Parameter = (typeof PARAMETERS)[number]

const isParameter = (name: string): name is Parameter => (PARAMETERS as readonly string[]).includes(name)

const flag = (value: string | undefined, name: Parameter): boolean | undefined => {
  if (value === undefined || value === 'true' || value === 'false')
    return value === undefined ? value : value === 'true'
  throw new SetupError(`smtp: \`url\`: ${name} must be true or false`)
}

// Traffic to this machine cannot be listened to on the way, and mail catchers sign their certificates themselves.
const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

const parametersOf = (url: URL): Partial<Record<Parameter, string>> => {
  const given: Partial<Record<Parameter, string>> = {}
  for (const [name, value] of url.searchParams) {
    // By name, not all that the library takes: among that is a logger that prints addresses.
    if (!isParameter(name)) {
      throw new SetupError(`smtp: \`url\`: the parameter "${name}" is not known; known are ${PARAMETERS.join(', ')}`)
    }
    given[name] = value
  }
  return given
}

/**
 * Reads `smtp://user:password@host:port`, or smtps; credentials percent-encoded. Parameters: `requireTLS`, `ignoreTLS`,
 * `tls.rejectUnauthorized` (true by default, false for this machine), `tls.servername`.
 */
export const parseSmtpUrl = (text: string): SmtpServer => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^smtps?:$/.test(url.protocol) || !url.hostname || !/^\/?$/.test(url.pathname)) {
    throw new SetupError('smtp: `url` must look like smtp://user:password@mail.example.test:587, or smtps://')
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const secure = url.protocol === 'smtps:'
  const given = parametersOf(url)
  const requireTLS = flag(given.requireTLS, 'requireTLS')
  const ignoreTLS = flag(given.ignoreTLS, 'ignoreTLS')
  if (requireTLS && ignoreTLS) throw new SetupError('smtp: `url`: requireTLS and ignoreTLS exclude each other')
  const servername = given['tls.servername']
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    ...(url.username !== '' && { auth: credentialsOf(url) }),
    ...(requireTLS !== undefined && { requireTLS }),
    ...(ignoreTLS !== undefined && { ignoreTLS }),
    tls: {
      rejectUnauthorized: flag(given['tls.rejectUnauthorized'], 'tls.rejectUnauthorized') ?? !isLoopback(host),
      ...(servername !== undefined && { servername }),
    },
  }
}

const credentialsOf = (url: URL): { user: string; pass: string } => {
  try {
    return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
  } catch {
    throw new SetupError('smtp: `url`: a "%" in the user or the password must be written as %25')
  }
}
