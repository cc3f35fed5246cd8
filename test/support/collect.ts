/** Reads a stream up to and with the first item for which `last` says so. */
export const readUntil = async <T>(stream: AsyncIterator<T>, last: (item: T) => boolean): Promise<T[]> => {
  const items: T[] = []
  for (;;) {
    const { value, done } = await stream.next()
    if (done) throw new Error('The stream ended before what was waited for')
    items.push(value)
    if (last(value)) return items
  }
}
