import { fork } from 'node:child_process'
import WebSocket from 'ws'
import type { Command, Reply } from './protocol.ts'

type Asked = Command extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never

/** A server under measurement, in a process of its own, and sockets to it. */
export interface Peer {
  ask<Value>(command: Asked): Promise<Value>
  /** Opens so many sockets that follow what `query` says; resolves once all of them were answered or are open. */
  open(count: number, query: string, heard: (index: number, text: string) => void): Promise<readonly WebSocket[]>
  stop(): Promise<void>
}

export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** How many are opened at once: more would only fill the queue of those that are to be accepted. */
const AT_ONCE = 50

export const startPeer = async (kind: 'carillon' | 'bare', databaseUrl: string): Promise<Peer> => {
  const child = fork(import.meta.filename.replace(/peer(\.\w+)$/, 'server$1'), [kind], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    execArgv: [...process.execArgv, '--expose-gc'],
  })
  const waiting = new Map<number, (value: unknown) => void>()
  let asked = 0
  const url = await new Promise<string>((resolve, reject) => {
    waiting.set(0, resolve as (value: unknown) => void)
    child.on('message', ({ id, value }: Reply) => {
      waiting.get(id)?.(value)
      waiting.delete(id)
    })
    child.once('exit', (code) => reject(new Error(`the ${kind} server ended with ${code}`)))
  })
  const peer: Peer = {
    ask: <Value>(command: Asked) =>
      new Promise<Value>((resolve) => {
        asked += 1
        waiting.set(asked, resolve as (value: unknown) => void)
        child.send({ ...command, id: asked })
      }),
    async open(count, query, heard) {
      const tokens = await peer.ask<readonly string[]>({ name: 'tokens', count })
      const openOne = (index: number): Promise<WebSocket> =>
        new Promise((resolve, reject) => {
          const bare = kind === 'bare'
          const socket = new WebSocket(bare ? `${url}${index}` : url, bare ? [] : 'graphql-transport-ws')
          socket.once('error', reject)
          socket.once('close', (code) => reject(new Error(`closed with ${code}`)))
          socket.once('open', () => {
            if (bare) return resolve(socket)
            socket.send(JSON.stringify({ type: 'connection_init', payload: { token: tokens[index] } }))
          })
          let began = bare
          socket.on('message', (data) => {
            const text = String(data)
            if (began) return heard(index, text)
            const acknowledged = text.includes('connection_ack')
            if (acknowledged) socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query } }))
            // The first update of an inbox comes by itself; where nothing comes, being acknowledged has to do.
            if (acknowledged === query.includes('inboxUpdates')) return
            began = true
            resolve(socket)
          })
        })
      const sockets: WebSocket[] = []
      for (let from = 0; from < count; from += AT_ONCE) {
        const size = Math.min(AT_ONCE, count - from)
        sockets.push(...(await Promise.all(Array.from({ length: size }, (_, offset) => openOne(from + offset)))))
      }
      return sockets
    },
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
  // Subscribed means: whatever is asked for later comes after it.
  return url ? peer : Promise.reject(new Error('the server did not say where it is'))
}
