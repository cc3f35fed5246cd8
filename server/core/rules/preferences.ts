import { type PreferenceLevel, preferencesFor } from '../preference.ts'
import type { ReasonCode } from '../reasons.ts'
import { type Ask, pass, suppress } from './rule.ts'

/**
 * The two preference rules share one order of precedence: the one that holds the most specific preference decides, the
 * other passes and says by what it was overridden.
 */
const preferenceRule =
  (levels: readonly PreferenceLevel[], reason: ReasonCode): Ask =>
  (facts) => {
    if (facts.required) return pass({ required: true })
    const found = preferencesFor(facts.preferences, facts)
    const own = found.find(({ level }) => levels.includes(level))
    if (!own) return pass()
    const decider = found[0] as (typeof found)[number]
    const seen = { preference: own.level, enabled: own.preference.enabled }
    if (decider !== own) return pass({ ...seen, overriddenBy: decider.level })
    return own.preference.enabled ? pass(seen) : suppress(reason, seen)
  }

export const notificationPreference = preferenceRule(['key_channel', 'key', 'channel'], 'channel_disabled')

export const categoryPreference = preferenceRule(['category_channel', 'category'], 'category_disabled')
