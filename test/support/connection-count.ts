import { createHook } from 'node:async_hooks'

/** Counts the TCP connections that this process begins, to whomever, whether or not anybody answers. */
export const countConnections = (): { readonly begun: number; stop(): void } => {
  let begun = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'TCPCONNECTWRAP') begun += 1
    },
  }).enable()
  return {
    get begun() {
      return begun
    },
    stop: () => void hook.disable(),
  }
}
