import { EventEmitter, once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { drip, pour } from '../../server/testing/pouring.ts'
import type { Behaviour, Provider } from '../../server/testing/provider.ts'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly raw: string
  readonly mail: Email
}

/** What is refused, and with which words: `550 5.1.1 no such user`. */
export interface Script {
  readonly login?: string
  readonly mail?: string
  readonly rcpt?: string
  readonly data?: string
  /** Hangs up in place of an answer to the message. */
  readonly dropAfterData?: boolean
  /** Never answers the message. */
  readonly stallAfterData?: boolean
}

export interface SmtpProvider extends Provider {
  readonly port: number
  /** Each message that came whole, whatever it was then answered. */
  readonly mails: readonly ReceivedMail[]
  /** How many connections were opened to it. */
  readonly connections: number
  behave(behaviour: Behaviour | Script): void
  /** Ends every connection; settles when all are closed. */
  hangUp(): Promise<void>
}

const TEN_MEGABYTES = Buffer.alloc(10_000_000, 'x')

/** Those that do not get as far as SMTP. */
const rude: Partial<Record<Behaviour, (socket: Socket) => void>> = {
  'says nothing': () => {},
  'drips its answer': (socket) => drip(socket, '220-x\r\n'),
  'resets the connection': (socket) => socket.resetAndDestroy(),
  'answers nonsense': (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n\u0000\u0001'),
  'answers ten megabytes': (socket) => socket.end(TEN_MEGABYTES),
  'answers without end': pour,
}

const refusal = (reply: string): Error =>
  Object.assign(new Error(reply.slice(4)), { responseCode: Number(reply.slice(0, 3)) })

/** An SMTP server on loopback, without TLS, with a login for anybody. */
export const smtpProvider = async (): Promise<SmtpProvider> => {
  const happened = new EventEmitter()
  const mails: ReceivedMail[] = []
  const sockets: Socket[] = []
  let script: Script = {}
  let echoes = false
  let greet: ((socket: Socket) => void) | undefined
  let seen = 0
  const verdict = (reply: string | undefined): Error | null => (reply ? refusal(reply) : null)

  const smtp = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    hideSTARTTLS: true,
    onAuth: ({ username, password }, _session, done) =>
      script.login ? done(refusal(`${script.login} ${username} ${password}`)) : done(null, { user: username }),
    onMailFrom: (_address, _session, done) => done(verdict(script.mail)),
    onRcptTo: ({ address }, _session, done) => done(verdict(echoes ? `550 no mailbox ${address} here` : script.rcpt)),
    onData: async (stream, { envelope }, done) => {
      // A client that hangs up in the middle of a message is a subject of the tests.
      const bytes = await buffer(stream).catch(() => null)
      if (!bytes) return
      const mail = await PostalMime.parse(bytes)
      const from = envelope.mailFrom ? envelope.mailFrom.address : ''
      mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw: bytes.toString(), mail })
      happened.emit('mail')
      if (script.dropAfterData) return void hangUp()
      if (!script.stallAfterData) done(verdict(script.data))
    },
  })
  // A client that hangs up in the middle is what the tests are about.
  smtp.on('error', () => {})

  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    if (greet) greet(socket)
    else smtp.connect(socket)
    happened.emit('call')
  })
  const hangUp = async (): Promise<void> => {
    const open = sockets.filter((socket) => !socket.closed)
    const closed = open.map((socket) => once(socket, 'close'))
    for (const socket of open) socket.destroy()
    await Promise.all(closed)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    mails,
    get connections() {
      return sockets.length
    },
    get keys() {
      return mails.map(({ mail }) => mail.messageId ?? '')
    },
    behave(behaviour) {
      greet = typeof behaviour === 'string' ? rude[behaviour] : undefined
      echoes = behaviour === 'refuses with all it was given'
      script = typeof behaviour === 'object' ? behaviour : {}
      if (behaviour === 'refuses for good') script = { data: '554 5.6.0 no' }
      // After the message, so that its Message-ID has been seen.
      if (behaviour === 'refuses for now') script = { data: '451 4.3.0 later' }
      seen = sockets.length
    },
    hangUp,
    async called() {
      if (sockets.length === seen) await once(happened, 'call')
    },
    sent: () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    async close() {
      if (!server.listening) return
      server.close()
      await Promise.all([once(server, 'close'), hangUp()])
    },
  }
}
