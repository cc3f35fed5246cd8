/** Reads a bounded part of what there is, or runs the host's own code once. */
const BOUNDED = 2_000
/** Reads all that there is of somebody or of a tenant, or works out a whole audience. */
const WHOLE = 5_000

/**
 * What root fields cost beside the objects of their answer, in objects: those that read or work out far more than they
 * answer, whose answer alone would cost next to nothing. By type and name; docs/limits.md lists them.
 */
export const ROOT_FIELD_WEIGHTS: ReadonlyMap<string, number> = new Map([
  ['Query.explainRecipient', BOUNDED],
  ['Query.previewRendering', BOUNDED],
  ['Query.queue', BOUNDED],
  ['Query.exportRecipient', WHOLE],
  ['Query.outcomeHistory', WHOLE],
  ['Query.outcomes', WHOLE],
  ['Query.simulateTrigger', WHOLE],
])
