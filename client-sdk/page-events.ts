interface EventSource {
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

/**
 * What a browser says of its network, and of whether anybody looks: `onReturn` where the network is back or the page is
 * looked at again, `onLoss` where the network has gone. Elsewhere nothing is ever said. Answers what ends it.
 */
export const hearPage = ({
  onReturn,
  onLoss,
}: {
  readonly onReturn: () => void
  readonly onLoss: () => void
}): (() => void) => {
  const page = globalThis as EventSource & { readonly document?: EventSource & { readonly visibilityState: string } }
  const { document } = page
  if (!document?.addEventListener || !page.addEventListener) return () => {}
  const looked = (): void => {
    if (document.visibilityState === 'visible') onReturn()
  }
  page.addEventListener('online', onReturn)
  page.addEventListener('offline', onLoss)
  document.addEventListener('visibilitychange', looked)
  return () => {
    page.removeEventListener?.('online', onReturn)
    page.removeEventListener?.('offline', onLoss)
    document.removeEventListener?.('visibilitychange', looked)
  }
}
