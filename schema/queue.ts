import { type QueueLane as Lane, queueOf } from '../server/operations/queue.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

const QueueLane = builder.objectRef<Lane>('QueueLane').implement({
  description:
    'What of the queue shares one speed: the deliveries of a channel, or one kind of other work. Where a tenant has more than 10,000 in all, the first 10,000 of each lane are counted, in the order of their time: a lane with as many as that may have more.',
  fields: (t) => ({
    lane: t.exposeString('lane', {
      description: "The channel's name for deliveries; else fan_out, webhook, digest, wake or workflow.",
    }),
    dueCount: t.exposeInt('dueCount', { description: 'Due, and waiting for a worker.' }),
    oldestDueAt: t.expose('oldestDueAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when the oldest of those is due: how far the workers are behind.',
    }),
    underWayCount: t.exposeInt('underWayCount', { description: 'A worker has them.' }),
    laterCount: t.exposeInt('laterCount', { description: 'Deferred, or to be tried again: not due yet.' }),
    retryingCount: t.exposeInt('retryingCount', { description: 'Of all of them, tried before.' }),
    nextDueAt: t.expose('nextDueAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the first that is not due yet will be.',
    }),
  }),
})

builder.queryField('queue', (t) =>
  t.field({
    type: [QueueLane],
    description:
      'What is not finished, lane by lane, in order of lane; lanes with nothing in them are left out [operator].',
    resolve: async (_, __, context) => {
      allow(context, 'OPERATE')
      return [...(await queueOf(context.app, context.principal.tenantId))]
    },
  }),
)
