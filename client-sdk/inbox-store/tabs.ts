import type { Mark } from './mark.ts'

/** What a browser's tabs tell each other: marks that were made, and what came of them. */
export type TabMessage =
  | { readonly kind: 'made'; readonly mark: Mark }
  | { readonly kind: 'answered'; readonly markId: string }
  | { readonly kind: 'dropped'; readonly markId: string }

export interface Tabs {
  tell(message: TabMessage): void
  close(): void
}

interface Channel {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  close(): void
  unref?(): void
}

/** Speaks with the other tabs that show the inbox of this name; with nobody, where there is no BroadcastChannel. */
export const openTabs = (name: string, hear: (message: TabMessage) => void): Tabs => {
  const { BroadcastChannel } = globalThis as { readonly BroadcastChannel?: new (name: string) => Channel }
  if (!BroadcastChannel) return { tell() {}, close() {} }
  const channel = new BroadcastChannel(name)
  // In Node it would keep the process alive.
  channel.unref?.()
  channel.addEventListener('message', ({ data }) => hear(data as TabMessage))
  return { tell: (message) => channel.postMessage(message), close: () => channel.close() }
}
