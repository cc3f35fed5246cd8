import type { DigestRule } from '../core/digest-rule.ts'
import type { AnyDefinition } from './notifier.ts'
import type { Registry } from './registry.ts'

const rendered = ({ render }: AnyDefinition): readonly string[] => Object.keys(render)

/**
 * What a configuration's digest rules name that its notifiers do not have: a rule about nothing holds nothing, and nobody
 * would notice. One that is stored by the API may name what is yet to come.
 */
export const unmatchedRuleNames = (rules: readonly DigestRule[], notifiers: Registry): readonly string[] => {
  const all = [...notifiers.values()]
  return rules.flatMap(({ key, channel, matchNotificationKey, matchCategory }) => {
    const faults: string[] = []
    const notifier = matchNotificationKey === null ? undefined : notifiers.get(matchNotificationKey)
    const hasChannel = all.some((one) => rendered(one).includes(channel))
    if (!hasChannel) faults.push(`no notifier renders its channel "${channel}"`)
    if (matchNotificationKey !== null && !notifier) faults.push(`there is no notifier "${matchNotificationKey}"`)
    if (matchCategory !== null && !all.some(({ category }) => category === matchCategory)) {
      faults.push(`no notifier is of the category "${matchCategory}"`)
    }
    if (notifier && matchCategory !== null && notifier.category !== matchCategory) {
      faults.push(`the notifier "${notifier.key}" is not of the category "${matchCategory}"`)
    }
    if (notifier && hasChannel && !Object.hasOwn(notifier.digest ?? {}, channel)) {
      faults.push(`the notifier "${notifier.key}" has no \`digest.${channel}\`, so nothing of it is held`)
    }
    return faults.map((fault) => `Digest rule "${key}": ${fault}`)
  })
}
