import { describe, test } from 'vitest'
import { type AdapterContractOptions, adapterContract } from '../../server/testing/adapter-contract.ts'
import type { Provider } from '../../server/testing/provider.ts'

/** The contract that each adapter keeps, as this project's tests. */
export const describeAdapter = <C, P extends Provider>(kind: string, options: AdapterContractOptions<C, P>): void => {
  describe(`${kind} as an adapter`, () => {
    for (const { name, run } of adapterContract(options)) test(name, run)
  })
}
