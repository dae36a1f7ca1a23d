/** The `references` of a span document: the parent and the links. */

import { Cursor, sameBytes } from '../../otlp/cursor.ts'
import { AnyValue, Span, SpanLink } from '../../otlp/fields.ts'
import { MessageView } from '../../otlp/message.ts'
import type { Writer } from '../../otlp/writer.ts'
import { readKind, valueStart, valueStop } from '../any-value.ts'
import { copyId, findAttribute, foundStart, foundStop } from '../jaeger/read-span.ts'
import { CHILD_OF_TEXT, REF_TYPE, SPAN_ID_SIZE, TRACE_ID_SIZE } from '../jaeger/words.ts'
import { isZero } from '../otlp-spans.ts'
import { writeId } from './letters.ts'

const COMMA = 0x2c
const CLOSE_ARRAY = 0x5d
const CLOSE_OBJECT = 0x7d
const NO_REFERENCES = Buffer.from(',"references":null')
const REFERENCES = Buffer.from(',"references":[')
const CHILD_OF = Buffer.from('{"refType":"CHILD_OF","traceID":')
const FOLLOWS_FROM = Buffer.from('{"refType":"FOLLOWS_FROM","traceID":')
const SPAN_ID = Buffer.from(',"spanID":')
const REF_TYPE_KEY = Buffer.from(REF_TYPE)
const CHILD_OF_VALUE = Buffer.from(CHILD_OF_TEXT)

export class References {
  readonly #link = new MessageView()
  readonly #fields = new Cursor(new Uint8Array())
  readonly #linkTraceId = new Uint8Array(TRACE_ID_SIZE)
  readonly #linkSpanId = new Uint8Array(SPAN_ID_SIZE)

  /** The parent first; a link to it only says of which type the reference is. */
  write(out: Writer, span: MessageView, traceId: Uint8Array, parentId: Uint8Array): void {
    const hasParent = !isZero(parentId)
    const hasLinks = span.has(Span.links)
    if (!hasParent && !hasLinks) {
      out.raw(NO_REFERENCES)
      return
    }
    out.raw(REFERENCES)
    if (hasParent) writeReference(out, !hasLinks || this.#isChild(span, traceId, parentId), traceId, parentId)
    if (hasLinks) {
      let first = !hasParent
      const fields = this.#fields.reset(span.bytes, span.start, span.stop)
      while (fields.next()) {
        if (fields.field !== Span.links) continue
        const isChild = this.#readLink(fields)
        if (hasParent && this.#linksTo(traceId, parentId)) continue
        if (!first) out.byte(COMMA)
        first = false
        writeReference(out, isChild, this.#linkTraceId, this.#linkSpanId)
      }
    }
    out.byte(CLOSE_ARRAY)
  }

  /** What the last link to the parent says; without one it is the parent. */
  #isChild(span: MessageView, traceId: Uint8Array, parentId: Uint8Array): boolean {
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
    copyId(this.#linkTraceId, link, SpanLink.traceId)
    copyId(this.#linkSpanId, link, SpanLink.spanId)
    if (!findAttribute(bytes, start, stop, SpanLink.attributes, REF_TYPE_KEY)) return false
    if (readKind(bytes, foundStart, foundStop) !== AnyValue.stringValue) return false
    return sameBytes(bytes, valueStart, valueStop, CHILD_OF_VALUE)
  }

  #linksTo(traceId: Uint8Array, spanId: Uint8Array): boolean {
    return (
      sameBytes(this.#linkSpanId, 0, SPAN_ID_SIZE, spanId) &&
      sameBytes(this.#linkTraceId, 0, TRACE_ID_SIZE, traceId)
    )
  }
}

function writeReference(out: Writer, isChild: boolean, traceId: Uint8Array, spanId: Uint8Array): void {
  out.raw(isChild ? CHILD_OF : FOLLOWS_FROM)
  writeId(out, traceId)
  out.raw(SPAN_ID)
  writeId(out, spanId)
  out.byte(CLOSE_OBJECT)
}
