/** Pieces of a page on their way out: as they are, or compressed as they come, so that only what is sent is held. */

import { once } from 'node:events'
import { constants, createGzip } from 'node:zlib'
import type { PageSink } from './page.ts'

export interface Pieces extends PageSink {
  /** After the last piece. */
  end(): Promise<readonly Uint8Array[]>
}

export function plainPieces(): Pieces {
  const pieces: Uint8Array[] = []
  return {
    push: piece => void pieces.push(piece),
    end: async () => pieces,
  }
}

const CHUNK = 64 * 1024

export function gzipPieces(): Pieces {
  const pieces: Uint8Array[] = []
  // The fastest level: a page compresses well at any, and is thrown away after one read.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: CHUNK })
  gzip.on('data', (piece: Buffer) => void pieces.push(piece))
  return {
    push: piece =>
      new Promise<void>((resolve, reject) =>
        gzip.write(piece, error => (error === undefined || error === null ? resolve() : reject(error))),
      ),
    async end() {
      gzip.end()
      await once(gzip, 'end')
      return pieces
    },
  }
}
