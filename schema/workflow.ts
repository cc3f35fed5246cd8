import type { Prisma, WorkflowRun as StoredRun } from '../generated/prisma/client.ts'
import { encodeNodeId, idOfType } from '../server/core/node-id.ts'
import type { RunState } from '../server/core/workflow/run.ts'
import { CarillonError } from '../server/errors.ts'
import { cancelRun } from '../server/operations/workflows/cancel-run.ts'
import { allow, isRecipient } from './access.ts'
import { builder } from './builder.ts'
import { BY_ID, newestFirst, pageBy, selectionOfNodes } from './connection.ts'
import { DeliveryExplanation } from './explanation.ts'
import { Notification } from './notification.ts'

const WorkflowRunState = builder.enumType('WorkflowRunState', {
  description: 'Where a run stands. Completed, stopped and cancelled are for good.',
  values: {
    ACTIVE: { value: 'active', description: "The present step's delivery is under way." },
    WAITING: { value: 'waiting', description: 'Until `waitingUntil`, or one of `waitingForSignals`.' },
    COMPLETED: { value: 'completed', description: 'No rule led further.' },
    STOPPED: { value: 'stopped', description: 'A rule stopped it, or a step could not be made any more.' },
    CANCELLED: { value: 'cancelled', description: 'By an operator, with its event, or because it expired.' },
  } as const,
})

const WorkflowTransition = builder.prismaNode('WorkflowTransition', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    fromState: t.field({
      type: WorkflowRunState,
      nullable: true,
      description: 'What it was before; null for the first.',
      resolve: ({ fromState }) => fromState as RunState | null,
    }),
    toState: t.field({
      type: WorkflowRunState,
      description: 'What it was then.',
      resolve: ({ toState }) => toState as RunState,
    }),
    stepKey: t.exposeString('stepKey', { nullable: true }),
    delivery: t.relation('delivery', { nullable: true, description: "That step's delivery." }),
    reason: t.exposeString('reason'),
    context: t.field({
      type: 'JSON',
      description: 'What it went by: the rule, the outcome, the signal.',
      resolve: ({ context }) => {
        const { signalId, ...others } = context as { signalId?: string }
        return signalId === undefined ? others : { ...others, signalId: encodeNodeId('Signal', signalId) }
      },
    }),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
  }),
})

/** How many a list holds that is no connection; the newest are kept. */
const MAX_LISTED = 100

export const WorkflowRun = builder.prismaNode('WorkflowRun', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    workflowKey: t.exposeString('workflowKey'),
    workflowVersion: t.exposeInt('workflowVersion'),
    definition: t.field({
      type: 'JSON',
      description: 'The definition that this run follows: its steps and rules.',
      select: { definition: { select: { definition: true } } },
      resolve: ({ definition: { definition } }) => definition,
    }),
    notification: t.relation('notification', { description: 'What goes through it.' }),
    state: t.field({
      type: WorkflowRunState,
      description: 'Where it stands.',
      resolve: ({ state }) => state as RunState,
    }),
    currentStepKey: t.exposeString('currentStepKey', { nullable: true }),
    statusReason: t.exposeString('statusReason'),
    waitingUntil: t.expose('waitingUntil', { type: 'DateTime', nullable: true }),
    waitingForSignals: t.exposeStringList('waitingForSignals'),
    startedAt: t.expose('startedAt', { type: 'DateTime' }),
    lastTransitionAt: t.expose('lastTransitionAt', { type: 'DateTime' }),
    transitions: t.field({
      type: [WorkflowTransition],
      description: 'Every move, in order: the newest 100.',
      select: (_, __, nested) => ({ transitions: nested({ orderBy: { number: 'desc' }, take: MAX_LISTED }) }),
      resolve: ({ transitions }) => transitions.toReversed(),
    }),
  }),
})

// Not a recipient's to see: for its token it is not even read.
builder.prismaObjectField(Notification, 'workflowRun', (t) =>
  t.field({
    type: WorkflowRun,
    nullable: true,
    description: 'Where it stands in its workflow; null where its notifier has none, and for a recipient token.',
    select: (_, context, nested) => (isRecipient(context) ? {} : { run: nested() }),
    resolve: (row) => row.run ?? null,
  }),
)

builder.objectField(DeliveryExplanation, 'workflowRun', (t) =>
  t.prismaField({
    type: WorkflowRun,
    nullable: true,
    description: 'The run of its notification; null where that goes through no workflow.',
    resolve: (query, { notification: { id }, run }, _, { prisma, principal: { tenantId } }) =>
      run ? prisma.workflowRun.findUnique({ ...query, where: { tenantId_id: { tenantId, id } } }) : null,
  }),
)

const WorkflowRunConnection = builder.connectionObject(
  { type: WorkflowRun, name: 'WorkflowRunConnection', description: 'Workflow runs, a page at a time.' },
  { name: 'WorkflowRunEdge', description: 'One of the runs of a page.' },
)

const WorkflowRunFilter = builder.inputType('WorkflowRunFilter', {
  description: 'Which runs: those that fit all that is given.',
  fields: (t) => ({
    workflowKey: t.string({ description: 'Of this workflow.' }),
    recipientId: t.id({ description: "Of this recipient, by the host's own id." }),
    state: t.field({ type: WorkflowRunState, description: 'In this state.' }),
  }),
})

const whereOf = (filter: typeof WorkflowRunFilter.$inferInput | null | undefined): Prisma.WorkflowRunWhereInput => ({
  ...(filter?.workflowKey != null && { workflowKey: filter.workflowKey }),
  ...(filter?.recipientId != null && { recipientId: filter.recipientId }),
  ...(filter?.state != null && { state: filter.state }),
})

builder.queryFields((t) => ({
  workflowRun: t.prismaField({
    type: WorkflowRun,
    nullable: true,
    description: 'A workflow run [operator].',
    args: { id: t.arg.id({ required: true, description: "The run's id." }) },
    resolve: (query, _, args, context) => {
      allow(context, 'OPERATE')
      const id = idOfType('WorkflowRun', args.id)
      const { tenantId } = context.principal
      return id === null
        ? null
        : context.prisma.workflowRun.findUnique({ ...query, where: { tenantId_id: { tenantId, id } } })
    },
  }),
  workflowRuns: t.connection(
    {
      type: WorkflowRun,
      description: 'Workflow runs, newest first [operator].',
      args: { filter: t.arg({ type: WorkflowRunFilter, description: 'All of them where left out.' }) },
      resolve: (_, args, context, info) => {
        allow(context, 'OPERATE')
        return pageBy(BY_ID, args, (stretch) => {
          const { where, ...order } = newestFirst(stretch)
          return context.prisma.workflowRun.findMany({
            ...selectionOfNodes(context, info),
            where: { ...where, tenantId: context.principal.tenantId, ...whereOf(args.filter) },
            ...order,
          })
        })
      },
    },
    WorkflowRunConnection,
  ),
}))

const CancelWorkflowRunInput = builder.inputType('CancelWorkflowRunInput', {
  description: 'Which run, and why.',
  fields: (t) => ({
    workflowRunId: t.id({ required: true, description: "The run's id." }),
    reason: t.string({
      required: true,
      description: "The operator's own words: kept in the run's history, and shown in its deliveries' timelines.",
    }),
  }),
})

const WorkflowRunPayload = builder.objectRef<{ readonly workflowRun: StoredRun }>('WorkflowRunPayload').implement({
  description: 'A workflow run after a change.',
  fields: (t) => ({
    workflowRun: t.expose('workflowRun', { type: WorkflowRun, description: 'As it is now.' }),
  }),
})

builder.mutationField('cancelWorkflowRun', (t) =>
  t.field({
    type: WorkflowRunPayload,
    description: 'End a workflow run for good, and cancel its deliveries that have not been handed over [operator].',
    args: { input: t.arg({ type: CancelWorkflowRunInput, required: true, description: 'Which one, and why.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'OPERATE')
      const { tenantId } = context.principal
      const id = await cancelRun(context.app, {
        tenantId,
        id: idOfType('WorkflowRun', input.workflowRunId),
        words: input.reason,
      })
      const workflowRun = await context.prisma.workflowRun.findUnique({ where: { tenantId_id: { tenantId, id } } })
      if (!workflowRun) throw new CarillonError('NOT_FOUND', 'There is no such workflow run any more')
      return { workflowRun }
    },
  }),
)
