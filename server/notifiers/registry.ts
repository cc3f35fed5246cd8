import type { z } from 'zod'
import type { CarillonConfig } from '../config.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import { durationMs } from '../core/duration.ts'
import { idFault } from '../core/json-limits.ts'
import { SetupError } from '../errors.ts'
import { type AnyDefinition, definitionOf } from './notifier.ts'
import { payloadSchemaOf } from './payload-schema.ts'
import { findSecrets } from './secret-paths.ts'
import { workflowOf } from './workflow.ts'
import { workflowFaults } from './workflow-faults.ts'

/** The notifiers of a configuration, by key; all of them have been checked. */
export type Registry = ReadonlyMap<string, AnyDefinition>

const blank = (text: unknown): boolean => typeof text !== 'string' || text.trim() === ''

/** No more than an integer column holds. */
const isVersion = (version: number): boolean => Number.isInteger(version) && version >= 1 && version < 2 ** 31

/** What keeps a text from being a key or a name, said of this field; nothing where it can be one. */
const nameFaults = (field: string, text: unknown): string[] => {
  if (blank(text)) return [`${field} is blank`]
  const fault = idFault(text as string, [])
  return fault ? [`${field} ${fault.message}`] : []
}

const payloadFaults = (payload: unknown): string[] => {
  if (!(payload instanceof Object) || !('safeParseAsync' in payload) || !('_zod' in payload)) {
    return ['`payload` must be a zod 4 schema']
  }
  try {
    payloadSchemaOf(payload as z.ZodType)
    return [...findSecrets(payload as z.ZodType).faults]
  } catch (error) {
    return [`\`payload\` cannot be described as JSON Schema: ${(error as Error).message}`]
  }
}

const channelFaults = ({ channels, render, renderKeys }: AnyDefinition): string[] => {
  const faults: string[] = []
  if (typeof render !== 'object' || render === null) return ['`render` must be an object with a function a channel']
  for (const [channel, renders] of Object.entries(render)) {
    if (typeof renders !== 'function') faults.push(`\`render.${channel}\` must be a function`)
    if (!blank(channel)) faults.push(...nameFaults('the name of a channel in `render`', channel))
  }
  if (Array.isArray(channels)) {
    if (channels.length === 0) faults.push('`channels` is empty')
    for (const channel of channels) {
      if (blank(channel)) faults.push('`channels` holds a blank name')
      else if (!Object.hasOwn(render, channel)) faults.push(`channel "${channel}" has no \`render.${channel}\``)
    }
    if (new Set(channels).size !== channels.length) faults.push('`channels` names a channel twice')
  } else if (typeof channels !== 'function') faults.push('`channels` must be a list or a function')
  for (const [channel, identity] of Object.entries(renderKeys ?? {})) {
    if (!Object.hasOwn(render, channel)) faults.push(`\`renderKeys.${channel}\` has no \`render.${channel}\``)
    if (identity?.key !== undefined) faults.push(...nameFaults(`\`renderKeys.${channel}.key\``, identity.key))
    if (identity?.version !== undefined && !isVersion(identity.version)) {
      faults.push(`\`renderKeys.${channel}.version\` must be a positive whole number`)
    }
  }
  return faults
}

/** A delay longer than this is more likely a mistake: nobody waits that long for a text message. */
const MAX_FALLBACK_MS = 30 * 86_400_000

const fallbackFaults = ({ channels, render, fallback }: AnyDefinition): string[] => {
  if (fallback === undefined) return []
  if (typeof fallback !== 'object' || fallback === null) return ['`fallback` must be an object with a delay a channel']
  const faults: string[] = []
  const possible = Array.isArray(channels) ? (channels as readonly string[]) : Object.keys(render ?? {})
  if (!possible.includes('in_app')) {
    faults.push('`fallback` needs `in_app` among the channels: what is never in an inbox is never read')
  }
  for (const [channel, declared] of Object.entries(fallback)) {
    const field = `\`fallback.${channel}\``
    if (channel === 'in_app') faults.push(`${field}: the inbox is what the others fall back from`)
    else if (!possible.includes(channel)) faults.push(`${field} is no channel of this notifier`)
    const ms = typeof declared?.after === 'string' ? durationMs(declared.after) : null
    if (ms === null || ms <= 0 || ms > MAX_FALLBACK_MS) {
      faults.push(`${field}.after must be a duration of up to 30 days, such as "15m" or "2h"`)
    }
  }
  return faults
}

const digestFaults = ({ channels, render, digest = {}, renderDigest = {} }: AnyDefinition): string[] => {
  const faults: string[] = []
  const possible = Array.isArray(channels) ? (channels as readonly string[]) : Object.keys(render ?? {})
  if (typeof digest !== 'object' || digest === null) return ['`digest` must be an object with a part for each channel']
  if (typeof renderDigest !== 'object' || renderDigest === null)
    return ['`renderDigest` must be an object with a function a channel']
  for (const [channel, declared] of Object.entries(digest)) {
    const field = `\`digest.${channel}\``
    if (!possible.includes(channel)) faults.push(`${field} is no channel of this notifier`)
    if (typeof declared !== 'object' || declared === null) faults.push(`${field} must be an object: {} holds all`)
    else {
      for (const name of ['when', 'key'] as const) {
        if (declared[name] !== undefined && typeof declared[name] !== 'function')
          faults.push(`${field}.${name} must be a function`)
      }
    }
  }
  for (const [channel, renders] of Object.entries(renderDigest)) {
    if (typeof renders !== 'function') faults.push(`\`renderDigest.${channel}\` must be a function`)
    if (!Object.hasOwn(digest, channel))
      faults.push(`\`renderDigest.${channel}\` has no \`digest.${channel}\`: nothing is held for it`)
  }
  return faults
}

const definitionFaults = (definition: AnyDefinition): string[] => {
  const faults = nameFaults('`key`', definition.key)
  if (!isVersion(definition.version)) faults.push('`version` must be a positive whole number')
  if (definition.category !== undefined) faults.push(...nameFaults('`category`', definition.category))
  if (definition.recipients !== undefined && typeof definition.recipients !== 'function') {
    faults.push('`recipients` must be a function')
  }
  faults.push(
    ...payloadFaults(definition.payload),
    ...channelFaults(definition),
    ...fallbackFaults(definition),
    ...digestFaults(definition),
    ...workflowFaults(definition),
  )
  return faults
}

/** Those that can be read at all, with faults or without: so that what names them can be checked beside them. */
export const readableNotifiers = (notifiers: CarillonConfig['notifiers']): Registry => {
  const found = (Array.isArray(notifiers) ? notifiers : []).flatMap((notifier) => {
    const definition = definitionOf(notifier)
    return definition && !blank(definition.key) && definition.render instanceof Object ? [definition] : []
  })
  return new Map(found.map((definition) => [definition.key, definition]))
}

/** Checks every notifier and indexes them by key. All faults are named at once, in one `SetupError`. */
export const buildRegistry = (notifiers: CarillonConfig['notifiers']): Registry => {
  if (!Array.isArray(notifiers)) throw new SetupError('`notifiers` must be a list')
  const registry = new Map<string, AnyDefinition>()
  const workflows = new Map<string, string>()
  const faults: string[] = []
  for (const [index, notifier] of notifiers.entries()) {
    const definition = definitionOf(notifier)
    if (!definition) {
      faults.push(`notifiers[${index}] was not made by defineNotifier`)
      continue
    }
    const name = blank(definition.key) ? `notifiers[${index}]` : `Notifier "${definition.key}"`
    faults.push(...definitionFaults(definition).map((fault) => `${name}: ${fault}`))
    if (registry.has(definition.key)) faults.push(`${name} is defined twice`)
    registry.set(definition.key, definition)
    const workflow = faults.length === 0 ? workflowOf(definition) : null
    if (!workflow) continue
    // What one name and version stands for is stored once.
    const identity = `${workflow.key}:v${workflow.version}`
    const text = canonicalJson(workflow)
    if ((workflows.get(identity) ?? text) !== text) {
      faults.push(`${name}: another notifier has another workflow "${workflow.key}" of version ${workflow.version}`)
    }
    workflows.set(identity, text)
  }
  if (faults.length > 0) throw new SetupError(`The notifiers have faults:\n- ${faults.join('\n- ')}`)
  return registry
}
