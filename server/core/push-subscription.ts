import { z } from 'zod'

/** Where a browser is reached, and what only it can read. */
export interface PushSubscription {
  readonly endpoint: URL
  readonly keys: { readonly p256dh: string; readonly auth: string }
}

const asBrowsersWriteIt = z.object({
  endpoint: z.url({ protocol: /^https?$/ }),
  keys: z.object({ p256dh: z.string().min(1), auth: z.string().min(1) }),
})

const parsed = (address: string): unknown => {
  try {
    return JSON.parse(address)
  } catch {
    return null
  }
}

/**
 * Reads `JSON.stringify(pushSubscription)` of a browser; `null` where it is none. The endpoint has to be https, unless
 * `allowHttp`.
 */
export const parsePushSubscription = (address: string, allowHttp: boolean): PushSubscription | null => {
  const { data } = asBrowsersWriteIt.safeParse(parsed(address))
  if (!data || !URL.canParse(data.endpoint)) return null
  const endpoint = new URL(data.endpoint)
  if (endpoint.username || endpoint.password) return null
  if (endpoint.protocol !== 'https:' && !allowHttp) return null
  // Google's service before web push: gone since 2019, and web-push would warn on the console about each of them.
  if (endpoint.hostname === 'android.googleapis.com') return null
  return { endpoint, keys: data.keys }
}
