import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, secret } from '../../server/index.ts'
import { tryNotifier } from '../../server/testing/try-notifier.ts'

const parcel = defineNotifier({
  key: 'parcel.arrived',
  version: 4,
  payload: z.object({ to: z.string(), code: secret(z.string()), weight: z.number().default(1) }),
  recipients: ({ payload }) => [{ id: payload.to, displayName: 'Bob' }],
  channels: ({ recipient }) => (recipient.phone ? ['in_app', 'sms'] : ['in_app']),
  renderKeys: { sms: { key: 'parcel.short', version: 9 } },
  render: {
    in_app: ({ payload, recipient }) => ({ title: `For ${recipient.displayName ?? 'you'}: ${payload.weight} kg` }),
    sms: ({ payload }) => ({ text: `Your code is ${payload.code}` }),
  },
})
const payload = { to: 'bob', code: 'open sesame' }

test('every message to everybody is made, in the order of the server, with the keys of its templates', async () => {
  const recipients = [{ id: 'ann', phone: '+49 170 1' }, { id: 'bob', displayName: 'Robert' }, { id: 'eve' }]
  expect(await tryNotifier(parcel, { payload, recipients, actorId: 'eve' })).toEqual([
    {
      recipientId: 'ann',
      channel: 'in_app',
      content: { title: 'For you: 1 kg' },
      renderKey: 'parcel.arrived.in_app',
      renderVersion: 4,
    },
    {
      recipientId: 'ann',
      channel: 'sms',
      content: { text: 'Your code is open sesame' },
      renderKey: 'parcel.short',
      renderVersion: 9,
    },
    {
      recipientId: 'bob',
      channel: 'in_app',
      content: { title: 'For Bob: 1 kg' },
      renderKey: 'parcel.arrived.in_app',
      renderVersion: 4,
    },
  ])
})

test('a payload that a trigger would refuse is refused, naming the field', async () => {
  await expect(tryNotifier(parcel, { payload: { ...payload, weight: 'heavy' } })).rejects.toThrow(
    'Notifier "parcel.arrived": the payload does not fit: weight: ',
  )
})

test('a notifier that a server would not start with is refused', async () => {
  const broken = defineNotifier({ key: 'x y', version: 0, payload: z.object({}), channels: [], render: {} })
  await expect(tryNotifier(broken, { payload: {} })).rejects.toThrow('version')
})

test("content is checked against its channel's contract, the host's own too", async () => {
  const pigeon = defineNotifier({
    key: 'pigeon.sent',
    version: 1,
    payload: z.object({ ring: z.string() }),
    channels: ['pigeon'],
    render: { pigeon: ({ payload: { ring } }) => ({ ring }) },
  })
  const channels = { pigeon: { content: z.object({ ring: z.string().max(3) }) } }
  const options = (ring: string) => ({ payload: { ring }, recipients: [{ id: 'ann' }], channels })
  expect((await tryNotifier(pigeon, options('abc'))).map(({ content }) => content)).toEqual([{ ring: 'abc' }])
  await expect(tryNotifier(pigeon, options('abcd'))).rejects.toThrow('render.pigeon returned content that does not fit')
})

test('the steps of a workflow that make their content themselves are tried too, and its questions asked', async () => {
  const walked = (test: () => boolean) =>
    defineNotifier({
      key: 'walked',
      version: 1,
      payload: z.object({}),
      channels: ['pager'],
      render: { pager: () => ({ text: 'first' }) },
      workflow: {
        key: 'walk',
        version: 1,
        steps: [
          { key: 'page', channel: 'pager', next: [{ when: 'asked', test, to: 'again' }] },
          { key: 'again', channel: 'pager', render: () => ({ text: 'again' }) },
        ],
      },
    })
  const options = { payload: {}, recipients: [{ id: 'ann' }] }
  const tried = await tryNotifier(
    walked(() => true),
    options,
  )
  expect(tried.map(({ stepKey, content }) => [stepKey, content.text])).toEqual([
    [undefined, 'first'],
    ['again', 'again'],
  ])
  const broken = walked(() => {
    throw new Error('no')
  })
  await expect(tryNotifier(broken, options)).rejects.toThrow('Notifier "walked": workflow.when "asked" failed')
})
