/** What stands in every span's document. */

import type { Piece, Repeats } from '../deflate/repeats.ts'

const PIECES = {
  traceId: '{"traceID":',
  spanId: ',"spanID":',
  parentSpanId: ',"parentSpanID":',
  flags: ',"flags":',
  operationName: ',"operationName":',
  startTime: ',"startTime":',
  startTimeMillis: ',"startTimeMillis":',
  duration: ',"duration":',
  tags: ',"tags":',
  noLogs: ',"logs":null,',
} as const

export type SpanPieces = Readonly<Record<keyof typeof PIECES, Piece>>

export function spanPieces(repeats: Repeats): SpanPieces {
  const pieces = Object.entries(PIECES).map(([name, text]) => [name, repeats.piece(Buffer.from(text))])
  return Object.fromEntries(pieces) as SpanPieces
}
