/** Whether variables hold more than so many values, at any depth. Looks at no more than that many. */
export const hasMoreValuesThan = (limit: number, variables: unknown): boolean => {
  if (typeof variables !== 'object' || variables === null) return false
  let seen = 0
  // A stack of its own: what a caller sends may be nested deeper than JavaScript's.
  const open: object[] = [variables]
  for (let next = open.pop(); next; next = open.pop()) {
    const values: readonly unknown[] = Array.isArray(next) ? next : Object.values(next)
    seen += values.length
    if (seen > limit) return true
    for (const value of values) if (typeof value === 'object' && value !== null) open.push(value)
  }
  return false
}
