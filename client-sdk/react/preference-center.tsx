'use client'

import { type JSX, type ReactNode, useId, useState } from 'react'
import type { CarillonClientError } from '../error.ts'
import type { PreferencesFragment } from '../generated/operations.ts'
import { useCarillon } from './provider.tsx'
import { usePreferences } from './use-preferences.ts'

type Effective = PreferencesFragment['effective'][number]

export interface PreferenceCenterProps {
  /** Default: the label `preferences`. */
  readonly heading?: ReactNode | undefined
}

const unique = <Value,>(values: readonly Value[]): readonly Value[] => [...new Set(values)]

const Switch = ({
  one,
  name,
  onChange,
}: {
  readonly one: Effective
  readonly name: string
  readonly onChange: (enabled: boolean) => void
}): JSX.Element => {
  const { labels } = useCarillon()
  return (
    <input
      type="checkbox"
      role="switch"
      className="carillon-switch"
      aria-label={one.locked ? `${name}. ${labels.preferencesLocked}` : name}
      title={one.locked ? labels.preferencesLocked : undefined}
      checked={one.enabled}
      aria-checked={one.enabled}
      disabled={one.locked}
      onChange={({ currentTarget }) => onChange(currentTarget.checked)}
    />
  )
}

/** What the recipient hears of, and where: a switch for every notification and channel, by category. */
export const PreferenceCenter = ({ heading }: PreferenceCenterProps): JSX.Element => {
  const { labels, theme } = useCarillon()
  const { status, preferences, setPreferences, reload } = usePreferences()
  const [refusal, setRefusal] = useState<CarillonClientError | null>(null)
  const headingId = useId()
  const effective = preferences?.effective ?? []
  const channels = unique(effective.map(({ channel }) => channel))
  const categories = unique(effective.map(({ category }) => category))

  const change = ({ notificationKey, channel }: Effective, enabled: boolean): void => {
    setRefusal(null)
    setPreferences([{ notificationKey, channel, enabled }]).catch(setRefusal)
  }

  return (
    <section className="carillon carillon-preferences" data-theme={theme} aria-labelledby={headingId}>
      <h2 className="carillon-heading" id={headingId}>
        {heading ?? labels.preferences}
      </h2>
      {status === 'loading' ? <p className="carillon-empty">{labels.loading}</p> : null}
      {status === 'failed' ? (
        <p className="carillon-notice" role="alert">
          {labels.failed}{' '}
          <button type="button" onClick={reload}>
            {labels.retry}
          </button>
        </p>
      ) : null}
      {refusal ? (
        <p className="carillon-notice" role="alert">
          {labels.notDone(refusal)}{' '}
          <button type="button" onClick={() => setRefusal(null)}>
            {labels.dismiss}
          </button>
        </p>
      ) : null}
      {categories.map((category) => {
        const within = effective.filter((one) => one.category === category)
        return (
          <table key={category ?? ''} className="carillon-table">
            <caption>{labels.categoryName(category)}</caption>
            <thead>
              <tr>
                <td />
                {channels.map((channel) => (
                  <th key={channel} scope="col">
                    {labels.channelName(channel)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {unique(within.map(({ notificationKey }) => notificationKey)).map((key) => (
                <tr key={key}>
                  <th scope="row">{labels.notificationName(key)}</th>
                  {channels.map((channel) => {
                    const one = within.find((cell) => cell.notificationKey === key && cell.channel === channel)
                    const name = `${labels.notificationName(key)}, ${labels.channelName(channel)}`
                    return (
                      <td key={channel}>
                        {one ? <Switch one={one} name={name} onChange={(enabled) => change(one, enabled)} /> : null}
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        )
      })}
    </section>
  )
}
