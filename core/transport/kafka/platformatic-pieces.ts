/**
 * @platformatic/kafka, so that what it sends is not copied on its way to a socket.
 *
 * The package keeps a request as a list of pieces, and makes one buffer of them twice: to sum up a record batch, and to
 * hand the request to its socket. With values of 260 kB that is half a megabyte for each request which nobody needs a
 * millisecond later, but which lies between what is needed until V8 collects it.
 *
 * - DynamicBuffer: while a produce request is made, who asks for the whole gets a buffer that is used again and again. The
 *   checksum and most codecs are done with it when they return; gzip of platformatic-codecs.ts copies.
 * - Writer, Connection: the pieces of a produce request go to the socket as they are. The request's `buffer` is then its
 *   first piece, which stands for all of them; of every other writer it is the whole, as ever.
 *
 * Classes that the package exports are changed, no file is; the version is pinned, and a test compares the bytes on a socket
 * with those of the package as it comes.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { Connection, Writer } from '@platformatic/kafka'
import { type Write, writePieces } from './write-pieces.ts'

/** Key of the produce request (kafka.apache.org/protocol, "Api Keys"). */
const PRODUCE = 0

/** By the first piece of a produce request: all of them. */
const pieces = new WeakMap<Buffer, readonly Buffer[]>()
/** Writers whose pieces go to a socket. */
const inPieces = new WeakSet<object>()

interface Rope {
  readonly buffers: readonly Buffer[]
  readonly length: number
}

type Getter = (this: unknown) => Buffer

/** Call it once, before there is a connection. */
export function handOnPieces(): void {
  wholeInScratch(Object.getPrototypeOf(Writer.create().dynamicBuffer))
  const { appendFrom } = Writer.prototype
  Writer.prototype.appendFrom = function (this: Writer, buffer: Writer | undefined) {
    if (buffer !== undefined && inPieces.has(buffer)) inPieces.add(this)
    return appendFrom.call(this, buffer as never)
  } as typeof appendFrom
  replaceGetter(
    Writer.prototype,
    whole =>
      function (this: Writer) {
        if (!inPieces.has(this)) return whole.call(this)
        const all = [...this.buffers]
        const first = all[0] ?? whole.call(this)
        if (all.length > 1) pieces.set(first, all)
        return first
      } as Getter,
  )
  markRequests()
  const { connect } = Connection.prototype
  Connection.prototype.connect = function (this: Connection, ...args: Parameters<typeof connect>) {
    const before = this.socket as Socket | undefined
    const result = connect.apply(this, args)
    if (this.socket !== before) takePieces(this.socket)
    return result
  } as typeof connect
}

/** Of longer batches the whole is made anew. */
const SCRATCH_MAX = 4 << 20
let scratch = Buffer.alloc(0)
let scratching = false

function wholeInScratch(prototype: object): void {
  replaceGetter(
    prototype,
    whole =>
      function (this: Rope) {
        const { buffers, length } = this
        if (!scratching || buffers.length < 2 || length > SCRATCH_MAX) return whole.call(this)
        if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length)
        let at = 0
        for (const piece of buffers) {
          scratch.set(piece, at)
          at += piece.length
        }
        return scratch.subarray(0, length)
      } as Getter,
  )
}

function markRequests(): void {
  const { send } = Connection.prototype
  Connection.prototype.send = function (this: Connection, ...args: unknown[]) {
    if (args[0] === PRODUCE) {
      const create = args[2] as () => Writer | Promise<Writer>
      // A request may be made later, when the socket has room: with what its sender has set (platformatic-codecs.ts).
      const asSent = AsyncLocalStorage.snapshot()
      args[2] = () => {
        scratching = true
        try {
          const payload = asSent(create)
          return payload instanceof Promise ? payload.then(marked) : marked(payload)
        } finally {
          scratching = false
        }
      }
    }
    return (send as (...args: unknown[]) => void).apply(this, args)
  } as typeof send
}

function marked(payload: Writer): Writer {
  inPieces.add(payload)
  return payload
}

function takePieces(socket: Socket): void {
  const write = socket.write.bind(socket) as Write
  socket.write = (bytes: Buffer | string, ...more: unknown[]): boolean => {
    const all = Buffer.isBuffer(bytes) ? pieces.get(bytes) : undefined
    return all === undefined ? write(bytes, ...more) : writePieces(socket, write, all)
  }
}

function replaceGetter(prototype: object, make: (original: Getter) => Getter): void {
  const { get } = Object.getOwnPropertyDescriptor(prototype, 'buffer')!
  Object.defineProperty(prototype, 'buffer', { configurable: true, get: make(get as Getter) })
}
