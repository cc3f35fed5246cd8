import type { JSX } from 'react'
import type { RecipientPageQuery } from '../generated/operations.ts'
import { counted, nameInWords } from '../wording.ts'

type Center = RecipientPageQuery['preferences']
type Effective = Center['effective'][number]

const whyWords = ({ locked, decidedBy, enabled }: Effective): string => {
  if (locked) return 'required: it cannot be switched off'
  if (!decidedBy) return enabled ? 'nobody switched it off' : 'off by default'
  const what = [decidedBy.notificationKey ?? decidedBy.category, decidedBy.channel].filter(Boolean).join(' on ')
  return `they switched ${what} ${enabled ? 'on' : 'off'}`
}

const Policy = ({ policy }: { readonly policy: Center['policy'] }): JSX.Element | null => {
  const { quietHours, caps, timeZone } = policy
  if (quietHours.length === 0 && caps.length === 0) return null
  return (
    <ul>
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
export const Preferences = ({ center }: { readonly center: Center }): JSX.Element => (
  <section>
    <h2>What they want to hear of</h2>
    <Policy policy={center.policy} />
    <table>
      <thead>
        <tr>
          <th scope="col">Notification</th>
          <th scope="col">Channel</th>
          <th scope="col">Sent?</th>
          <th scope="col">Because</th>
        </tr>
      </thead>
      <tbody>
        {center.effective.map((one) => (
          <tr key={`${one.notificationKey} ${one.channel}`} data-off={!one.enabled || undefined}>
            <td>{one.notificationKey}</td>
            <td>{one.channel}</td>
            <td>{one.enabled ? 'yes' : 'no'}</td>
            <td>{whyWords(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
)
