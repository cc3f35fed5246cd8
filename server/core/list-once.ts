/**
 * JSON that many rows share, written once: the recipients of one event mostly get the same answers, and often the same
 * content. Each row says where in the list its own stands.
 */
export const listOnce = (
  texts: readonly (string | null)[],
): { readonly list: string; readonly places: readonly (number | null)[] } => {
  const places = new Map<string, number>()
  const placeOf = (text: string): number => {
    const known = places.get(text)
    if (known !== undefined) return known
    places.set(text, places.size)
    return places.size - 1
  }
  const found = texts.map((text) => (text === null ? null : placeOf(text)))
  return { list: `[${[...places.keys()].join(',')}]`, places: found }
}
