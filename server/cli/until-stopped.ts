const signals = ['SIGINT', 'SIGTERM'] as const
export type StopSignal = (typeof signals)[number]

/** Waits for Ctrl-C or SIGTERM, then closes. A second one does not wait any longer. */
export const untilStopped = async (close: (signal: StopSignal) => Promise<void>): Promise<void> => {
  const stopped = await new Promise<StopSignal>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve(signal))
  })
  for (const signal of signals) process.once(signal, () => process.exit(130))
  await close(stopped)
}
