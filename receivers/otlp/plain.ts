/** A body out of its compression, and whose memory is whose afterwards. */

import { discard, lend } from '../../core/component/memory.ts'
import { type ContentEncoding, decompress } from '../../core/transport/decompress.ts'

/** What is this large has a buffer of its own: Node's pool and core/otlp/slab.ts give out parts of 64 KiB at most. */
const OWN_BYTES_MIN = 64 * 1024

/**
 * As `decompress`; `body` ends with it. What comes out is lent when it has a buffer of its own. `body` must be given to
 * nobody else.
 */
export function lentPlain(
  body: Uint8Array,
  encoding: ContentEncoding,
  limit: number,
): Uint8Array | Promise<Uint8Array> {
  const plain = decompress(body, encoding, limit)
  return plain instanceof Promise ? plain.then(bytes => lent(body, bytes)) : lent(body, plain)
}

function lent(body: Uint8Array, plain: Uint8Array): Uint8Array {
  if (plain.buffer === body.buffer) return plain
  discard(body)
  if (plain.length > OWN_BYTES_MIN) lend(plain)
  return plain
}
