import type { DigestRuleDefinition } from '../core/digest-rule.ts'
import type { AnyDefinition } from './notifier.ts'
import type { Registry } from './registry.ts'

const rendered = ({ render }: AnyDefinition): readonly string[] => Object.keys(render)

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

/** What is wrong with the names of one rule; of one that has none to go by, its own check tells. */
const faultsOf = (rule: DigestRuleDefinition, notifiers: Registry): readonly string[] => {
  const { channel, matchNotificationKey, matchCategory } = rule
  const all = [...notifiers.values()]
  const faults: string[] = []
  const notifier = isText(matchNotificationKey) ? notifiers.get(matchNotificationKey) : undefined
  const hasChannel = all.some((one) => rendered(one).includes(channel))
  if (isText(channel) && !hasChannel) faults.push(`no notifier renders its channel "${channel}"`)
  if (isText(matchNotificationKey) && !notifier) faults.push(`there is no notifier "${matchNotificationKey}"`)
  if (isText(matchCategory) && !all.some(({ category }) => category === matchCategory)) {
    faults.push(`no notifier is of the category "${matchCategory}"`)
  } else if (isText(matchCategory) && notifier && notifier.category !== matchCategory) {
    faults.push(`the notifier "${notifier.key}" is not of the category "${matchCategory}"`)
  }
  if (notifier && hasChannel && !Object.hasOwn(notifier.digest ?? {}, channel)) {
    faults.push(`the notifier "${notifier.key}" has no \`digest.${channel}\`, so nothing of it is held`)
  }
  return faults
}

/**
 * What a configuration's digest rules name that its notifiers do not have: a rule about nothing holds nothing, and nobody
 * would notice. One that is stored by the API may name what is yet to come.
 */
export const unmatchedRuleNames = (
  rules: readonly DigestRuleDefinition[] | undefined,
  notifiers: Registry,
): readonly string[] =>
  (Array.isArray(rules) ? (rules as readonly DigestRuleDefinition[]) : []).flatMap((rule) =>
    isText(rule?.key) ? faultsOf(rule, notifiers).map((fault) => `Digest rule "${rule.key}": ${fault}`) : [],
  )
