import { SetupError } from '../../errors.ts'

/** What one look has found. A fault keeps the service from working right; a warning may, one day. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'fault'
  readonly seen: string
  /** What to do; `null` where all is well. */
  readonly advice: string | null
}

export const ok = (name: string, seen: string): Finding => ({ name, state: 'ok', seen, advice: null })
export const warning = (name: string, seen: string, advice: string): Finding => ({
  name,
  state: 'warning',
  seen,
  advice,
})
export const fault = (name: string, seen: string, advice: string): Finding => ({ name, state: 'fault', seen, advice })

/** An error as what was seen, and what to do about it where it says so in a sentence after the first. */
export const faultOf = (name: string, error: Error): Finding => {
  const words = error.message || String((error as { code?: unknown }).code ?? error.name)
  const [, seen = words, advice = 'Set that right, then look again'] =
    error instanceof SetupError ? (/^(.+?)\. ([A-Z].+)$/s.exec(words) ?? []) : []
  return fault(name, seen, advice)
}

/** Looks, in so much time; a look that fails is a fault. */
export const look = async (
  name: string,
  work: (signal: AbortSignal) => Promise<Finding>,
  { withinMs = 10_000 }: { readonly withinMs?: number } = {},
): Promise<Finding> => {
  const limit = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => {
      limit.abort()
      resolve(fault(name, `no answer within ${withinMs / 1000} s`, 'Find out what holds it up, then look again'))
    }, withinMs)
  })
  try {
    return await Promise.race([work(limit.signal), late])
  } catch (error) {
    return faultOf(name, error as Error)
  } finally {
    clearTimeout(timer)
  }
}
