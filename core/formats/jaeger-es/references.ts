/** The `references` of a span document: the parent and the links. */

import { Cursor, sameBytes } from '../../otlp/cursor.ts'
import { AnyValue, Span, SpanLink } from '../../otlp/fields.ts'
import { MessageView } from '../../otlp/message.ts'
import type { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop } from '../any-value.ts'
import type { Piece, Repeats } from '../deflate/repeats.ts'
import { findAttribute, foundStart, foundStop } from '../jaeger/read-span.ts'
import { CHILD_OF_TEXT, REF_TYPE, SPAN_ID_SIZE, TRACE_ID_SIZE } from '../jaeger/words.ts'
import { HexId } from './hex-id.ts'
import type { SpanRanges } from './span-ranges.ts'

const COMMA = 0x2c
const CLOSE_ARRAY = 0x5d
const CLOSE_OBJECT = 0x7d
const NO_REFERENCES = Buffer.from(',"references":null')
const REF_TYPE_KEY = Buffer.from(REF_TYPE)
const CHILD_OF_VALUE = Buffer.from(CHILD_OF_TEXT)

export class References {
  readonly #repeats: Repeats
  readonly #open: Piece
  readonly #childOf: Piece
  readonly #followsFrom: Piece
  readonly #spanId: Piece
  readonly #link = new MessageView()
  readonly #fields = new Cursor(new Uint8Array())
  readonly #linkTraceId: HexId
  readonly #linkSpanId: HexId

  constructor(repeats: Repeats) {
    this.#repeats = repeats
    this.#open = repeats.piece(Buffer.from(',"references":['))
    this.#childOf = repeats.piece(Buffer.from('{"refType":"CHILD_OF","traceID":'))
    this.#followsFrom = repeats.piece(Buffer.from('{"refType":"FOLLOWS_FROM","traceID":'))
    this.#spanId = repeats.piece(Buffer.from(',"spanID":'))
    this.#linkTraceId = new HexId(TRACE_ID_SIZE, repeats)
    this.#linkSpanId = new HexId(SPAN_ID_SIZE, repeats)
  }

  /** The parent first; a link to it only says of which type the reference is. */
  write(out: Writer, span: SpanRanges, traceId: HexId, parentId: HexId): void {
    const hasParent = !parentId.isZero
    const hasLinks = span.has(Span.links)
    if (!hasParent && !hasLinks) {
      out.raw(NO_REFERENCES)
      return
    }
    this.#repeats.write(out, this.#open)
    if (hasParent)
      this.#reference(out, !hasLinks || this.#isChild(span, traceId, parentId), traceId, parentId)
    if (hasLinks) {
      let first = !hasParent
      const fields = this.#fields.reset(span.bytes, span.start, span.stop)
      while (fields.next()) {
        if (fields.field !== Span.links) continue
        const isChild = this.#readLink(fields)
        if (hasParent && this.#linksTo(traceId, parentId)) continue
        if (!first) out.byte(COMMA)
        first = false
        this.#reference(out, isChild, this.#linkTraceId, this.#linkSpanId)
      }
    }
    out.byte(CLOSE_ARRAY)
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

  #reference(out: Writer, isChild: boolean, traceId: HexId, spanId: HexId): void {
    this.#repeats.write(out, isChild ? this.#childOf : this.#followsFrom)
    traceId.write(out)
    this.#repeats.write(out, this.#spanId)
    spanId.write(out)
    out.byte(CLOSE_OBJECT)
  }
}
