/** `nextEligibleAt` and `quiet_hours` as words. */
export const nameInWords = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, (_, end: string, start: string) => `${end} ${start.toLowerCase()}`)
    .replaceAll('_', ' ')

/** A value in one line: `limit 3 · channels email, sms`. */
export const inWords = (value: unknown): string => {
  if (value === null || typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(inWords).join(', ')
  return Object.entries(value)
    .filter(([, one]) => one !== null && one !== undefined)
    .map(([name, one]) => `${nameInWords(name)} ${typeof one === 'object' ? `(${inWords(one)})` : String(one)}`)
    .join(' · ')
}

/** `1 delivery`, `3 deliveries`. */
export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
