/** The `references` of a span document: the parent and the links. */

import { Cursor, sameBytes } from '../../otlp/cursor.ts'
import * as otlp from '../../otlp/fields.ts'
import { MessageView } from '../../otlp/message.ts'
import type { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop } from '../any-value.ts'
import type { Frame } from '../deflate/frame.ts'
import type { Piece } from '../deflate/piece.ts'
import type { Pieces } from '../deflate/pieces.ts'
import { findAttribute, foundStart, foundStop } from '../jaeger/read-span.ts'
import { CHILD_OF_TEXT, REF_TYPE, SPAN_ID_SIZE, TRACE_ID_SIZE } from '../jaeger/words.ts'
import { HexId } from './hex-id.ts'
import type { SpanRanges } from './span-ranges.ts'

// V8 knows the values of a module's own constants; those that it imports are looked up each time.
const { AnyValue, Span, SpanLink } = otlp

/** By refType. */
const FIRST = {
  childOf: ',"references":[{"refType":"CHILD_OF","traceID":"',
  followsFrom: ',"references":[{"refType":"FOLLOWS_FROM","traceID":"',
} as const
const NEXT = {
  childOf: '"},{"refType":"CHILD_OF","traceID":"',
  followsFrom: '"},{"refType":"FOLLOWS_FROM","traceID":"',
} as const
const SPAN_ID = '","spanID":"'
const REF_TYPE_KEY = Buffer.from(REF_TYPE)
const CHILD_OF_VALUE = Buffer.from(CHILD_OF_TEXT)

export class References {
  readonly #pieces: Pieces
  readonly #none: Piece
  readonly #first: Readonly<Record<keyof typeof FIRST, Piece>>
  readonly #next: Readonly<Record<keyof typeof NEXT, Piece>>
  readonly #spanId: Piece
  /** Of the parent, which nearly all spans have, and nothing else. */
  readonly #parent: Frame
  readonly #close: Piece
  readonly #link = new MessageView()
  readonly #fields = new Cursor(new Uint8Array())
  readonly #linkTraceId: HexId
  readonly #linkSpanId: HexId

  /** `traceId`: that of the spans. */
  constructor(pieces: Pieces, traceId: HexId) {
    const piece = (text: string) => pieces.piece(Buffer.from(text))
    this.#pieces = pieces
    this.#none = piece(',"references":null,"startTime":')
    this.#first = { childOf: piece(FIRST.childOf), followsFrom: piece(FIRST.followsFrom) }
    this.#next = { childOf: piece(NEXT.childOf), followsFrom: piece(NEXT.followsFrom) }
    this.#spanId = piece(SPAN_ID)
    this.#parent = traceId.frame(Buffer.from(FIRST.childOf), Buffer.from(SPAN_ID))
    this.#close = piece('"}],"startTime":')
    this.#linkTraceId = new HexId(TRACE_ID_SIZE, pieces)
    this.#linkSpanId = new HexId(SPAN_ID_SIZE, pieces)
  }

  /**
   * Behind the operation's name, and with the key of what comes next. The parent first; a link to it only says of which
   * type the reference is.
   */
  write(out: Writer, span: SpanRanges, traceId: HexId, parentId: HexId): void {
    const hasParent = !parentId.isZero
    const hasLinks = span.has(Span.links)
    if (!hasParent && !hasLinks) {
      this.#pieces.write(out, this.#none)
      return
    }
    if (!hasLinks) {
      traceId.writeFramed(out, this.#parent)
      parentId.write(out)
      this.#pieces.write(out, this.#close)
      return
    }
    let before = this.#first
    if (hasParent) {
      this.#reference(out, before, this.#isChild(span, traceId, parentId), traceId, parentId)
      before = this.#next
    }
    const fields = this.#fields.reset(span.bytes, span.start, span.stop)
    while (fields.next()) {
      if (fields.field !== Span.links) continue
      const isChild = this.#readLink(fields)
      if (hasParent && this.#linksTo(traceId, parentId)) continue
      this.#reference(out, before, isChild, this.#linkTraceId, this.#linkSpanId)
      before = this.#next
    }
    this.#pieces.write(out, this.#close)
  }

  /** What the last link to the parent says; without one it is the parent. */
  #isChild(span: SpanRanges, traceId: HexId, parentId: HexId): boolean {
    let isChild = true
    const fields = this.#fields.reset(span.bytes, span.start, span.stop)
    while (fields.next()) {
      if (fields.field !== Span.links) continue
      const linkIsChild = this.#readLink(fields)
      if (this.#linksTo(traceId, parentId)) isChild = linkIsChild
    }
    return isChild
  }

  /** Reads the ids of the link at `fields`; true when it says `child_of`. */
  #readLink({ bytes, start, stop }: Cursor): boolean {
    const link = this.#link.reset(bytes, start, stop)
    this.#linkTraceId.read(link, SpanLink.traceId)
    this.#linkSpanId.read(link, SpanLink.spanId)
    if (!findAttribute(bytes, start, stop, SpanLink.attributes, REF_TYPE_KEY)) return false
    if (readKind(bytes, foundStart, foundStop) !== AnyValue.stringValue) return false
    return sameBytes(bytes, valueStart, valueStop, CHILD_OF_VALUE)
  }

  #linksTo(traceId: HexId, spanId: HexId): boolean {
    return (
      sameBytes(this.#linkSpanId.id, 0, SPAN_ID_SIZE, spanId.id) &&
      sameBytes(this.#linkTraceId.id, 0, TRACE_ID_SIZE, traceId.id)
    )
  }

  #reference(
    out: Writer,
    before: Readonly<Record<keyof typeof FIRST, Piece>>,
    isChild: boolean,
    traceId: HexId,
    spanId: HexId,
  ): void {
    this.#pieces.write(out, isChild ? before.childOf : before.followsFrom)
    traceId.write(out)
    this.#pieces.write(out, this.#spanId)
    spanId.write(out)
  }
}
