import type { Delivery as StoredDelivery } from '../generated/prisma/client.ts'
import type { OperatorAction } from '../server/core/delivery.ts'
import { idOfType } from '../server/core/node-id.ts'
import { CarillonError } from '../server/errors.ts'
import { operateDelivery } from '../server/operations/deliveries.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { Delivery } from './delivery.ts'

const DeliveryActionInput = builder.inputType('DeliveryActionInput', {
  description: 'Which delivery, and why.',
  fields: (t) => ({
    deliveryId: t.id({ required: true, description: "The delivery's id." }),
    reason: t.string({ required: true, description: "The operator's own words: kept, and shown in the timeline." }),
  }),
})

const DeliveryPayload = builder.objectRef<{ readonly delivery: StoredDelivery }>('DeliveryPayload').implement({
  description: 'A delivery after a change.',
  fields: (t) => ({
    delivery: t.expose('delivery', { type: Delivery, description: 'As it is now.' }),
  }),
})

const operate = async (
  context: Context,
  action: OperatorAction,
  input: typeof DeliveryActionInput.$inferInput,
): Promise<{ readonly delivery: StoredDelivery }> => {
  allow(context, 'OPERATE')
  const { tenantId } = context.principal
  const id = await operateDelivery(context.app, action, {
    tenantId,
    id: idOfType('Delivery', input.deliveryId),
    words: input.reason,
  })
  const delivery = await context.prisma.delivery.findUnique({ where: { tenantId_id: { tenantId, id } } })
  if (!delivery) throw new CarillonError('NOT_FOUND', 'There is no such delivery any more')
  return { delivery }
}

builder.mutationFields((t) => ({
  retryDelivery: t.field({
    type: DeliveryPayload,
    description:
      'Try a delivery again that failed, was cancelled, or hangs: at once, with all its tries before it, past quiet hours and fallback delays [operator].',
    args: { input: t.arg({ type: DeliveryActionInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_, { input }, context) => operate(context, 'retry', input),
  }),
  cancelDelivery: t.field({
    type: DeliveryPayload,
    description: 'Cancel a delivery that has not been handed over yet [operator].',
    args: { input: t.arg({ type: DeliveryActionInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_, { input }, context) => operate(context, 'cancel', input),
  }),
  resumeDelivery: t.field({
    type: DeliveryPayload,
    description:
      'Release a deferred delivery now, past quiet hours and fallback delays; the other rules still hold [operator].',
    args: { input: t.arg({ type: DeliveryActionInput, required: true, description: 'Which one, and why.' }) },
    resolve: (_, { input }, context) => operate(context, 'resume', input),
  }),
}))
