/** What stands in every span's document. */

import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'

const PIECES = {
  parentSpanId: '","parentSpanID":"',
  operationBehindId: '","operationName":',
  noLogs: ',"logs":null,',
  noLogsBehindList: '],"logs":null,',
  noLogsBehindFields: '},"logs":null,',
} as const

export type SpanPieces = Readonly<Record<keyof typeof PIECES, Piece>>

export function spanPieces(pieces: Pieces): SpanPieces {
  const made = Object.entries(PIECES).map(([name, text]) => [name, pieces.piece(Buffer.from(text))])
  return Object.fromEntries(made) as SpanPieces
}
