/** Waits for Ctrl-C or SIGTERM, then closes. A second one does not wait any longer. */
export const untilStopped = async (close: () => Promise<void>): Promise<void> => {
  const signals = ['SIGINT', 'SIGTERM'] as const
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve())
  })
  for (const signal of signals) process.once(signal, () => process.exit(130))
  await close()
}
