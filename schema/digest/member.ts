import { encodeNodeId } from '../../server/core/node-id.ts'
import { builder } from '../builder.ts'

/** A member as it is listed. */
export interface Member {
  readonly id: string
  readonly position: number
  readonly notificationKey: string
  readonly resolution: string | null
  readonly reason: string | null
}

export const DigestMember = builder.objectRef<Omit<Member, 'position'>>('DigestMember').implement({
  description: 'A delivery that is, or was, held in a bucket.',
  fields: (t) => ({
    deliveryId: t.id({ description: 'Which delivery.', resolve: ({ id }) => encodeNodeId('Delivery', id) }),
    notificationKey: t.exposeString('notificationKey', { description: 'Of which notifier.' }),
    resolution: t.exposeString('resolution', {
      nullable: true,
      description: 'included, skipped or emitted_immediately; null while it is held.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was left out.' }),
  }),
})
