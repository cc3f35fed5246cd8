import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut. */
export interface CuttableProxy {
  /** The server's address by this way. */
  readonly url: string
  readonly connectionCount: number
  /** Destroys every connection that stands, both ends, with whatever is under way; answers how many that were. */
  cut(): number
  /** Keeps every connection that stands, and lets nothing through any more: as if somebody had pulled the plug. */
  freeze(): void
  /** What becomes of those who come: they are let through, turned away, or left to stand at the door. */
  admit(whom: 'everyone' | 'nobody' | 'to the door'): void
  close(): Promise<void>
}

/** Listens on a port of its own and passes everything on to the server that `target` is an address of. */
export const openCuttableProxy = async (target: string): Promise<CuttableProxy> => {
  const { hostname, port } = new URL(target)
  const pairs = new Set<readonly [Socket, Socket]>()
  let admitted: Parameters<CuttableProxy['admit']>[0] = 'everyone'
  const server = createServer((near) => {
    if (admitted === 'nobody') {
      near.destroy()
      return
    }
    const far = connect(Number(port), hostname)
    const pair = [near, far] as const
    pairs.add(pair)
    for (const socket of pair) {
      const destroyBoth = () => {
        pairs.delete(pair)
        near.destroy()
        far.destroy()
      }
      socket.on('error', destroyBoth).on('close', destroyBoth)
    }
    if (admitted === 'to the door') {
      near.resume()
      return
    }
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)

  const cut = (): number => {
    const count = pairs.size
    for (const [near, far] of pairs) {
      near.destroy()
      far.destroy()
    }
    return count
  }
  return {
    url: url.href,
    get connectionCount() {
      return pairs.size
    },
    cut,
    freeze() {
      for (const [near, far] of pairs) {
        near.unpipe(far).resume()
        far.unpipe(near).resume()
      }
    },
    admit(whom) {
      admitted = whom
    },
    close() {
      cut()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
