/** What `import ... from 'carillon/testing'` gives: for tests of adapters and notifiers of a host's own, by any runner. */
export type { Adapter, DeliverResult, OutgoingMessage } from '../adapters/adapter.ts'
export { type MemoryAdapter, memory } from '../adapters/memory.ts'
export {
  AdapterContractError,
  type AdapterContractOptions,
  adapterContract,
  type ContractCase,
} from './adapter-contract.ts'
export {
  type HttpAnswer,
  type HttpCall,
  type HttpProvider,
  httpProvider,
} from './http-provider.ts'
export { BEHAVIOURS, type Behaviour, type Provider } from './provider.ts'
export { sampleMessage } from './sample-message.ts'
export { type TriedMessage, type TryNotifierOptions, tryNotifier } from './try-notifier.ts'
