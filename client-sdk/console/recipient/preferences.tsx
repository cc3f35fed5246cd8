import type { JSX } from 'react'
import { Facts } from '../facts.tsx'
import type { RecipientPageQuery } from '../generated/operations.ts'
import { counted, nameInWords } from '../wording.ts'

type Center = RecipientPageQuery['preferences']
type Effective = Center['effective'][number]

/** Why something is not sent, as far as preferences go. */
const offWords = ({ channel, decidedBy }: Effective): string => {
  if (!decidedBy) return `not on ${channel}: off by default`
  const what = [decidedBy.notificationKey ?? decidedBy.category ?? 'all', decidedBy.channel].filter(Boolean)
  return `not on ${channel}: they switched ${what.join(' on ')} off`
}

const channelsWords = (of: readonly Effective[]): string => {
  const on = of.filter(({ enabled }) => enabled).map(({ channel }) => channel)
  const off = of.filter(({ enabled }) => !enabled).map(offWords)
  const locked = of.some((one) => one.locked) ? 'cannot be switched off' : ''
  return [on.join(', '), ...off, locked].filter(Boolean).join('; ')
}

const Policy = ({ policy }: { readonly policy: Center['policy'] }): JSX.Element | null => {
  const { quietHours, caps, timeZone } = policy
  if (quietHours.length === 0 && caps.length === 0) return null
  return (
    <ul className="plain">
      {quietHours.map(({ start, end, days, channels }) => (
        <li key={`${start} ${end} ${days.join()} ${channels.join()}`}>
          Quiet from {start} to {end}
          {days.length > 0 ? ` on ${days.map((day) => nameInWords(day.toLowerCase())).join(', ')}` : ''}
          {channels.length > 0 ? ` for ${channels.join(', ')}` : ''}
          {timeZone ? ` (${timeZone})` : ''}
        </li>
      ))}
      {caps.map(({ limit, windowMinutes, channel, category }) => (
        <li key={`${limit} ${windowMinutes} ${channel} ${category}`}>
          At most {limit} in {counted(windowMinutes, 'minute')}
          {channel ? ` on ${channel}` : ''}
          {category ? ` of ${category}` : ''}
        </li>
      ))}
    </ul>
  )
}

/** What a recipient wants to hear of, and who decided that; when, and how much at most. */
export const Preferences = ({ center }: { readonly center: Center }): JSX.Element => {
  const keys = [...new Set(center.effective.map(({ notificationKey }) => notificationKey))]
  return (
    <section>
      <h2>What they want to hear of</h2>
      <Policy policy={center.policy} />
      <Facts
        of={Object.fromEntries(
          keys.map((key) => [key, channelsWords(center.effective.filter((one) => one.notificationKey === key))]),
        )}
      />
    </section>
  )
}
