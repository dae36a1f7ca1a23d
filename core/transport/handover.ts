/**
 * Hands listening sockets from parts that a reload replaces to their successors, so that the port is never closed: the
 * kernel's socket and the connections that wait in it go over, connections that were accepted stay with the part that
 * accepted them. Parts know nothing of it; `listen` (listen.ts) asks here before it binds.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Server } from 'node:net'
import type { ListenAddress } from './listen.ts'

interface Held {
  server: Server
  readonly owner: object
  readonly address: string
}

interface Loan {
  readonly from: Held
  readonly to: Held
}

/** Every listening server of the process that was started under a handover, oldest first. */
const held = new Set<Held>()

const starting = new AsyncLocalStorage<{ readonly handover: Handover; readonly owner: object }>()

const nameOf = ({ transport, endpoint }: ListenAddress): string => `${transport} ${endpoint}`

/** One reload: who gives and who takes. */
export class Handover {
  readonly #lenders: ReadonlySet<object>
  readonly #loans: Loan[] = []

  /** `lenders`: the parts that are about to go. */
  constructor(lenders: ReadonlySet<object>) {
    this.#lenders = lenders
  }

  /** Runs `start`. What it listens on is `owner`'s, and comes from a lender where one has the same address. */
  run<T>(owner: object, start: () => Promise<T>): Promise<T> {
    return starting.run({ handover: this, owner }, start)
  }

  /** Lets `server` listen in a lender's place; false when none has the address. */
  async take(server: Server, address: string, owner: object): Promise<boolean> {
    const from = [...held].find(one => one.address === address && this.#lenders.has(one.owner))
    if (from === undefined) return false
    held.delete(from)
    await move(from.server, server)
    this.#loans.push({ from, to: enter(server, address, owner) })
    return true
  }

  /** The reload failed: every socket goes back. Before the parts that took them are stopped. */
  async giveBack(): Promise<void> {
    for (const { from, to } of this.#loans.splice(0).reverse()) {
      if (!held.delete(to)) continue
      await move(to.server, from.server)
      enter(from.server, from.address, from.owner)
    }
  }
}

/** Was the server given a socket that a part which goes no longer needs? Then it listens, and nothing is to be bound. */
export async function takeOver(server: Server, where: ListenAddress): Promise<boolean> {
  const store = starting.getStore()
  return store === undefined ? false : store.handover.take(server, nameOf(where), store.owner)
}

/** Remembers a server that has bound its address, for a later handover. */
export function remember(server: Server, where: ListenAddress): void {
  const store = starting.getStore()
  if (store !== undefined) enter(server, nameOf(where), store.owner)
}

function enter(server: Server, address: string, owner: object): Held {
  const entry = { server, address, owner }
  held.add(entry)
  server.once('close', () => held.delete(entry))
  return entry
}

/** What net.Server has besides its types: the socket, the path of a Unix one, and what `listen` ends in. */
interface Insides {
  _handle: object | null
  _pipeName?: string
  _listen2(address: string, port: number, addressType: number, backlog: number): void
}

/**
 * `to.listen(from)` is Node's own way to listen on another server's socket; for Unix sockets it has none, and what it
 * does for the others is done by hand. What it lacks in both cases is the end of the first one's claim: without a
 * handle `from.close()` ends its connections and leaves the socket alone.
 */
function move(from: Server, to: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    to.once('error', reject)
    to.once('listening', () => {
      to.off('error', reject)
      resolve()
    })
    const [old, next] = [from, to] as unknown as [Insides, Insides]
    if (old._pipeName === undefined) to.listen(from)
    else {
      next._handle = old._handle
      next._pipeName = old._pipeName
      next._listen2(old._pipeName, -1, -1, 511)
    }
    old._handle = null
  })
}
