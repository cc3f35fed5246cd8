const TIMES = 5

/**
 * What a piece of work takes of the processor, in milliseconds. Whoever asks for it is this process too and the machine
 * is busy: it is the least of several times, and no more are tried once it is well below what it may take.
 */
export const leastCpuMs = async (work: () => unknown, most: number): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let time = 0; time < TIMES && least > most / 2; time++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1_000)
  }
  return least
}
