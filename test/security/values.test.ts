import { afterAll, beforeAll, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { type DoorRequest, type Doors, openDoors } from '../support/doors.ts'
import { greeting } from '../support/notifiers.ts'
import { TRIGGER, triggerInput } from '../support/trigger.ts'
import { type Tally, tallyOf } from './tally.ts'

let carillon: TestCarillon
let doors: Doors
let failed = 0
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
  carillon.app.telemetry.on('request.failed', () => {
    failed += 1
  })
  doors = await openDoors(carillon, carillon.operatorKey)
})
afterAll(async () => {
  await doors.close()
  await carillon.close()
})

const send = async (
  body: string | Uint8Array<ArrayBuffer>,
): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${carillon.operatorKey}` },
    body,
  })
  return { status: response.status, text: await response.text() }
}

/** It got through where the server failed over it, or ended. */
const isFailure = ({ status, text }: { readonly status: number; readonly text: string }): boolean =>
  status >= 500 || /"code":"(INTERNAL|UNAVAILABLE)"/.test(text) || !/^\{"(data|errors)":/.test(text)

const ofDoors = async (tally: Tally, what: string, request: DoorRequest): Promise<void> => {
  for (const { name, ask } of doors.all) {
    const before = failed
    const verdict = await ask(request)
    tally.tried(`${what} through ${name}`, failed > before || isFailure({ status: 200, text: JSON.stringify(verdict) }))
  }
}

const pollution = (): unknown => (({}) as { readonly polluted?: unknown }).polluted

test('S20: names that mean something in JavaScript change nothing but what they stand in', async () => {
  const tally = tallyOf('S20')
  const bodies = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', 'then'].flatMap((name) => {
    const value = name === 'constructor' ? '{"prototype":{"polluted":1}}' : '{"polluted":1}'
    const input = JSON.stringify(triggerInput()).slice(0, -1)
    return [
      `{"query":"{ viewer { tenantId } }","${name}":${value}}`,
      `{"query":"{ viewer { tenantId } }","variables":{"${name}":${value}}}`,
      `{"query":"{ viewer { tenantId } }","extensions":{"${name}":${value}}}`,
      `{"query":"query ($${name}: JSON) { viewer { tenantId } }","variables":{"${name}":${value}}}`,
      `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${input},"${name}":${value}}}}`,
      `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${input},"payload":{"text":"x","${name}":${value}}}}}`,
      `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${input},"payload":{"text":"x","a":[{"${name}":${value}}]}}}}`,
      `{"query":"{ ${name}: viewer { tenantId } }","operationName":"${name}"}`,
      `{"query":"query ${name} { ${name}: viewer { ${name}: tenantId } }","operationName":"${name}"}`,
    ]
  })
  for (const body of bodies) {
    // Some are executed in another way once they have come a few times.
    for (let time = 0; time < 4; time++)
      tally.tried(body, isFailure(await send(body)) || pollution() !== undefined || 'polluted' in Object.prototype)
  }
  await carillon.drainJobs()
  tally.tried('anything later', 'polluted' in Object.prototype || failed > 0)
  tally.report()
}, 120_000)

const TEXTS = [
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202e\u2066\u2069',
  '\ufeff',
  '\u0001\u001b[31m',
  'Ω≈ç√∫˜µ≤≥÷',
  '田中さんにあげて下さい',
  '👩‍👩‍👧‍👦🏳️‍🌈',
  'Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮',
  "' OR 1=1 --",
  "'; drop table event; --",
  '<script>alert(1)</script>',
  '$' + '{process.env.PATH}',
  '{{constructor.constructor("return process")()}}',
  '../../../../etc/passwd',
  '%00%0d%0aset-cookie:a=b',
  'x\r\nset-cookie: a=b',
  '$(touch /tmp/x)',
  '__proto__',
  'null',
  'NaN',
  '1e400',
  '-0',
  '٠١٢',
  ' ',
  '\u00a0\u2003',
  'x'.repeat(1_000_000),
  '💥'.repeat(100_000),
]

test('S21: whatever a text is, it is taken, or refused as input', async () => {
  const tally = tallyOf('S21')
  for (const text of TEXTS) {
    const short = text.slice(0, 60)
    const isLong = text.length > 10_000
    const requests: DoorRequest[] = [
      { query: TRIGGER, variables: { input: triggerInput({ idempotencyKey: `${text}` }) } },
      { query: TRIGGER, variables: { input: triggerInput({ payload: { text } }) } },
      {
        query: TRIGGER,
        variables: { input: triggerInput({ recipients: [{ id: text, displayName: text, email: text }] }) },
      },
      {
        query: 'query ($id: ID!) { node(id: $id) { id } event(id: $id) { id } inbox(recipientId: $id) { cursor } }',
        variables: { id: text },
      },
      { query: 'query ($after: String) { events(after: $after) { edges { cursor } } }', variables: { after: text } },
      { query: `{ recipient(recipientId: ${JSON.stringify(text)}) { id } }` },
      { query: text },
      { query: '{ viewer { tenantId } }', operationName: text },
    ]
    for (const [index, request] of requests.entries()) {
      // What is that long costs whoever sends it most, and HTTP is where most comes through.
      if (isLong || index > 1) {
        const answer = await send(JSON.stringify(request))
        tally.tried(`${short} as ${index}`, isFailure(answer))
      } else await ofDoors(tally, `${short} as ${index}`, request)
    }
  }
  const viewer = Buffer.from('{"query":"{ viewer { tenantId } }"}')
  for (const [what, bytes] of [
    [
      'overlong UTF-8',
      Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xc0, 0xaf, 0xe0, 0x80, 0xaf]), Buffer.from('"}')]),
    ],
    ['half a character', Buffer.concat([Buffer.from('{"query":"'), Buffer.from([0xf0, 0x9f]), Buffer.from('"}')])],
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), viewer])],
    ['UTF-16', Buffer.from(viewer.toString(), 'utf16le')],
    ['zero bytes', Buffer.alloc(1_000)],
    ['noise', Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 7919) % 256))],
  ] as const) {
    tally.tried(what, isFailure(await send(bytes)))
  }
  tally.report()
}, 120_000)

test('S22: JSON that is deep, large, or says a thing twice is answered at once, and harms nobody', async () => {
  const tally = tallyOf('S22')
  const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
  const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const trigger = (payload: string): string =>
    `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${JSON.stringify(triggerInput()).slice(0, -1)},"payload":${payload}}}}`
  const simple = '"query":"{ viewer { tenantId } }"'
  const bodies: [string, string][] = [
    ...[33, 1_000, 100_000, 1_000_000].flatMap((levels): [string, string][] => [
      [`${levels} lists`, deep(levels)],
      [`${levels} lists in variables`, `{${simple},"variables":{"a":${deep(levels)}}}`],
      [`${levels} lists in extensions`, `{${simple},"extensions":{"a":${deep(levels)}}}`],
      [`${levels} lists in a payload`, trigger(deep(levels))],
      [
        `${levels} lists for a list`,
        `{"query":"query ($i: [ID!]) { viewer { tenantId } }","variables":{"i":${deep(levels)}}}`,
      ],
    ]),
    ...[33, 1_000, 100_000].flatMap((levels): [string, string][] => [
      [`${levels} objects in a payload`, trigger(objects(levels))],
      [
        `${levels} objects as an input`,
        `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${objects(levels)}}}`,
      ],
    ]),
    [
      '100,000 keys',
      `{${simple},"variables":{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}}`,
    ],
    [
      '100,000 keys in a payload',
      trigger(`{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}`),
    ],
    [
      '100,000 fields of an input',
      `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}}}`,
    ],
    ['a key twice', `{${simple},${simple}}`],
    ['a key twice in a payload', trigger('{"text":"a","text":"b"}')],
    ['1e400', trigger('{"text":"a","n":1e400}')],
    ['-1e400', trigger('{"text":"a","n":-1e400}')],
    ['2^53+1', trigger('{"text":"a","n":9007199254740993}')],
    ['a number of 100,000 digits', trigger(`{"text":"a","n":${'9'.repeat(100_000)}}`)],
    [
      'a number for a page of 1e400',
      '{"query":"query ($n: Int) { events(first: $n) { edges { cursor } } }","variables":{"n":1e400}}',
    ],
    [
      'a million ids',
      `{"query":"mutation ($input: InboxSelectionInput!) { markRead(input: $input) { affectedCount } }","variables":{"input":{"recipientId":"ada","ids":[${Array.from({ length: 500_000 }, () => '""').join()}]}}}`,
    ],
    [
      'half a million triggers that are none',
      `{"query":"mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { deduplicated } } }","variables":{"input":{"triggers":[${'1,'.repeat(500_000)}1]}}}`,
    ],
    ['4 MiB and one byte', `{${simple},"variables":{"a":"${'x'.repeat(4 * 1024 * 1024 + 1 - simple.length - 22)}"}}`],
  ]
  for (const [what, body] of bodies) {
    // Some are executed in another way once they have come a few times.
    for (let time = 0; time < (body.length > 1_000_000 ? 1 : 4); time++) {
      const before = process.cpuUsage()
      const answer = await send(body)
      const { user, system } = process.cpuUsage(before)
      tally.tried(what, isFailure(answer))
      // Its length costs whoever sends it as much as the server, which is the same process here.
      tally.tried(`${what}: ${user + system} µs`, user + system > 1_500_000)
    }
  }
  tally.tried('whatever was logged', failed > 0)
  tally.tried('what comes after', (await send(`{${simple}}`)).text !== '{"data":{"viewer":{"tenantId":"acme"}}}')
  tally.report()
}, 120_000)
