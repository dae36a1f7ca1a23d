/** gRPC's names for encodings (configgrpc 0.155: gzip, snappy in its framed form, zstd; deflate is gRPC's own). */

import type { ContentEncoding } from '../decompress.ts'

const ENCODINGS: ReadonlyMap<string, ContentEncoding> = new Map([
  ['identity', ''],
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zstd', 'zstd'],
  ['snappy', 'x-snappy-framed'],
])

/** `grpc-accept-encoding` of a client: what the Collector asks for. */
export const ANSWER_ENCODINGS = 'gzip,snappy,zstd'

/** What `grpc-encoding` means; undefined when it is not known. */
export function messageEncoding(name: string | undefined): ContentEncoding | undefined {
  return name === undefined ? '' : ENCODINGS.get(name)
}
