import type { Capabilities } from './capabilities.ts'
import { channelsOf } from './notifiers.ts'

/** What settings are about, by name; each list may repeat itself. */
export interface SettingNames {
  readonly notificationKey?: readonly (string | null)[]
  readonly category?: readonly (string | null)[]
  readonly channel?: readonly (string | null)[]
}

/** So many names are told of; who goes on inventing some does not fill the log. */
const MAX_TOLD = 100

/**
 * Tells the log, once a name, of settings about what no notifier has. They are stored all the same, for a notifier may yet
 * come or be back; but mostly somebody has misspelt one, and nobody else would ever notice.
 */
export const watchSettingNames = ({
  notifiers,
  telemetry,
}: Pick<Capabilities, 'notifiers' | 'telemetry'>): ((tenantId: string, names: SettingNames) => void) => {
  const all = [...notifiers.values()]
  const known: Readonly<Record<keyof SettingNames, ReadonlySet<string>>> = {
    notificationKey: new Set(notifiers.keys()),
    category: new Set(all.flatMap(({ category }) => category ?? [])),
    channel: new Set(['in_app', ...all.flatMap(channelsOf)]),
  }
  const told = new Set<string>()
  return (tenantId, names) => {
    for (const kind of ['notificationKey', 'category', 'channel'] as const) {
      for (const name of names[kind] ?? []) {
        const subject = `${kind} ${name}`
        if (name === null || known[kind].has(name) || told.has(subject) || told.size >= MAX_TOLD) continue
        told.add(subject)
        telemetry.emit('setting.unmatched', { tenantId, kind, name })
      }
    }
  }
}
