import { z } from 'zod'

/**
 * A payload as JSON Schema (2020-12), as a caller has to give it: before defaults and transformations. What JSON Schema
 * cannot say is let pass there. Throws where a schema cannot be described at all, which the registry refuses at start.
 */
export const payloadSchemaOf = (payload: z.ZodType): object =>
  z.toJSONSchema(payload, { unrepresentable: 'any', io: 'input' })
