/**
 * A request in pieces on its way into a broker's socket, for both clients. Some pieces are the bytes of a batch, which end
 * when its last holder is done with them (core/component/memory.ts). A broker's answer says that for the connection it
 * came over; a client that has tried again may have left the same bytes in a socket that is stuck. So each socket holds
 * what it was given until the system has it, or the socket is closed.
 */

import type { Socket } from 'node:net'
import { releaseBytes, retainBytes } from '../../component/memory.ts'

export type Write = (bytes: Buffer | string, ...more: unknown[]) => boolean

/** Writes all of them in one call to the system. `write` is the socket's own, which the clients' files have replaced. */
export function writePieces(socket: Socket, write: Write, pieces: readonly Buffer[]): boolean {
  socket.cork()
  for (const piece of pieces) {
    if (retainBytes(piece)) write(piece, () => releaseBytes(piece))
    else write(piece)
  }
  socket.uncork()
  return !socket.writableNeedDrain
}
