import { afterEach, describe, expect, test } from 'vitest'
import type { InboxKey } from '../../server/core/cursor.ts'
import type { Bus } from '../../server/realtime/bus.ts'
import { until } from '../support/until.ts'

/** A bus as two processes see it: what one says the other hears. */
export interface BusPair {
  readonly here: Bus
  readonly there: Bus
}

/** What a listener has heard so far. */
export interface Heard {
  readonly inboxes: ReadonlySet<string>
  /** How often it was told to look at every inbox. */
  readonly all: number
  readonly work: number
  /** The deliveries that it was told have changed, and how often it was told that somebody follows them. */
  readonly deliveries: ReadonlySet<string>
  readonly tailed: number
  stop(): void
}

export const nameOf = ({ tenantId, recipientId }: InboxKey): string => `${tenantId}/${recipientId}`
export const inboxOf = (recipientId: string): InboxKey => ({ tenantId: 'acme', recipientId })

export const listenTo = (bus: Bus): Heard => {
  const inboxes = new Set<string>()
  const deliveries = new Set<string>()
  const counts = { all: 0, work: 0, tailed: 0 }
  const stop = bus.listen({
    inboxesMoved(moved) {
      if (moved === 'all') counts.all += 1
      else for (const inbox of moved) inboxes.add(nameOf(inbox))
    },
    workDue() {
      counts.work += 1
    },
    deliveriesChanged(changed) {
      for (const { tenantId, id } of changed) deliveries.add(`${tenantId}/${id}`)
    },
    deliveriesTailed() {
      counts.tailed += 1
    },
  })
  return {
    inboxes,
    get all() {
      return counts.all
    },
    get work() {
      return counts.work
    },
    deliveries,
    get tailed() {
      return counts.tailed
    },
    stop,
  }
}

/** What every bus promises, whatever carries it. `open` gives two ends of a new one. */
export const busContract = (kind: string, open: () => Promise<BusPair>): void => {
  describe(`the ${kind} bus`, () => {
    let pair: BusPair | null = null
    const opened = async (): Promise<BusPair> => {
      pair = await open()
      return pair
    }
    afterEach(async () => {
      await pair?.here.close()
      await pair?.there.close()
      pair = null
    })

    test('tells every listener of every process which inboxes moved, the speaker itself included', async () => {
      const { here, there } = await opened()
      const listeners = [listenTo(here), listenTo(here), listenTo(there), listenTo(there)]
      here.inboxesMoved([inboxOf('ada'), inboxOf('bob')])
      there.inboxesMoved([inboxOf('eve')])
      await until('all have heard of all', () => listeners.every(({ inboxes }) => inboxes.size === 3))
      for (const { inboxes } of listeners) expect([...inboxes].sort()).toEqual(['acme/ada', 'acme/bob', 'acme/eve'])
    })

    test('tells the process that speaks before it gives way to anything else', async () => {
      const { here } = await opened()
      const heard = listenTo(here)
      here.inboxesMoved([inboxOf('ada')])
      here.workDue()
      expect([...heard.inboxes]).toEqual(['acme/ada'])
      expect(heard.work).toBe(1)
    })

    test('tells every process that there is work', async () => {
      const { here, there } = await opened()
      const heard = listenTo(there)
      here.workDue()
      await until('it was heard', () => heard.work > 0)
    })

    test('tells every process which deliveries changed, and that somebody follows them', async () => {
      const { here, there } = await opened()
      const listeners = [listenTo(here), listenTo(there)]
      here.deliveriesTailed()
      here.deliveriesChanged([{ tenantId: 'acme', id: 'one' }])
      there.deliveriesChanged(['two', 'three'].map((id) => ({ tenantId: 'other', id })))
      there.deliveriesChanged([])
      await until('all have heard of all', () =>
        listeners.every(({ deliveries, tailed }) => deliveries.size === 3 && tailed > 0),
      )
      for (const { deliveries } of listeners)
        expect([...deliveries].sort()).toEqual(['acme/one', 'other/three', 'other/two'])
    })

    test('names many deliveries, the newest among them, in as many messages as it takes', async () => {
      const { here, there } = await opened()
      const heard = listenTo(there)
      const changed = Array.from({ length: 5_000 }, (_, n) => ({ tenantId: 'acme', id: `delivery-${n}` }))
      here.deliveriesChanged(changed)
      await until('the newest were heard of', () => heard.deliveries.has('acme/delivery-4999'))
      expect(heard.deliveries.size).toBeGreaterThanOrEqual(500)
    })

    test('carries ids as they are, whatever is in them', async () => {
      const { here, there } = await opened()
      const heard = listenTo(there)
      const odd = ['it\'s "quoted"', 'back\\slash', 'new\nline', '日本語', '💥', '{"from":1}', 'x'.repeat(255)]
      here.inboxesMoved(odd.map(inboxOf))
      await until('they were heard', () => heard.inboxes.size === odd.length)
      expect([...heard.inboxes].sort()).toEqual(odd.map((id) => `acme/${id}`).sort())
    })

    test('leaves no inbox out, however many move at once', async () => {
      const { here, there } = await opened()
      const heard = listenTo(there)
      for (const count of [1, 100, 1_000, 10_000]) {
        const alls = heard.all
        const moved = Array.from({ length: count }, (_, n) => inboxOf(`${count}-${n}-${'ü'.repeat(n % 120)}`))
        here.inboxesMoved(moved)
        await until(
          `all ${count} were heard of`,
          () => heard.all > alls || moved.every((inbox) => heard.inboxes.has(nameOf(inbox))),
        )
      }
    })

    test('tells a listener that has stopped nothing more', async () => {
      const { here, there } = await opened()
      const [stopped, other] = [listenTo(there), listenTo(there)]
      stopped.stop()
      here.inboxesMoved([inboxOf('ada')])
      await until('the other one has heard', () => other.inboxes.size === 1)
      expect(stopped.inboxes.size).toBe(0)
    })

    test('says nothing where nothing moved', async () => {
      const { here, there } = await opened()
      const heard = listenTo(there)
      here.inboxesMoved([])
      here.inboxesMoved([inboxOf('ada')])
      await until('what did move was heard', () => heard.inboxes.size === 1)
      expect(heard.all).toBe(0)
    })
  })
}
