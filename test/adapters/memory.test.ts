import { expect, test } from 'vitest'
import { memory } from '../../server/adapters/memory.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { describeAdapter } from './contract.ts'

const message = (changes = {}) => sampleMessage({ text: 'hello' }, changes)

describeAdapter('memory', { makeAdapter: () => memory(), message })

test('it keeps what it was given in order, until it is cleared', async () => {
  const adapter = memory()
  const { messages } = adapter
  const signal = new AbortController().signal
  await adapter.deliver(message({ deliveryId: 'one' }), signal)
  await adapter.deliver(message({ deliveryId: 'two' }), signal)
  expect(adapter.messages).toEqual([message({ deliveryId: 'one' }), message({ deliveryId: 'two' })])
  adapter.clear()
  expect(messages).toEqual([])
  await adapter.deliver(message({ deliveryId: 'three' }), signal)
  expect(messages).toHaveLength(1)
})

test('two of them share nothing, and take a name each', async () => {
  const [one, other] = [memory({ name: 'one' }), memory({ name: 'other' })]
  await one.deliver(message(), new AbortController().signal)
  expect([one.name, other.name, memory().name]).toEqual(['one', 'other', 'memory'])
  expect(other.messages).toEqual([])
})
