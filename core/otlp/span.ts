/** Span, its events and links, read lazily. Ids are lower-case hex, times nanoseconds since 1970. */

import { Span, SpanEvent, SpanLink, Status } from './fields.ts'
import { Messages, MessageView } from './message.ts'
import { KeyValues } from './value.ts'

export class SpanView extends MessageView {
  readonly #attributes = new KeyValues()
  readonly #events = new Messages(new SpanEventView())
  readonly #links = new Messages(new SpanLinkView())
  readonly #status = new MessageView()

  get traceId(): string {
    return this.hex(Span.traceId)
  }

  get spanId(): string {
    return this.hex(Span.spanId)
  }

  get parentSpanId(): string {
    return this.hex(Span.parentSpanId)
  }

  get traceState(): string {
    return this.text(Span.traceState)
  }

  get flags(): number {
    return this.fixed32(Span.flags)
  }

  get name(): string {
    return this.text(Span.name)
  }

  get kind(): number {
    return this.int32(Span.kind)
  }

  get startTime(): bigint {
    return this.fixed64(Span.startTimeUnixNano)
  }

  get endTime(): bigint {
    return this.fixed64(Span.endTimeUnixNano)
  }

  get statusCode(): number {
    return this.#readStatus().int32(Status.code)
  }

  get statusMessage(): string {
    return this.#readStatus().text(Status.message)
  }

  #readStatus(): MessageView {
    const start = this.startOf(Span.status)
    if (start === -1) return this.#status.reset(this.bytes, 0, 0)
    return this.#status.reset(this.bytes, start, this.stopOf(Span.status))
  }

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, Span.attributes)
  }

  events(): Messages<SpanEventView> {
    return this.#events.reset(this.bytes, this.start, this.stop, Span.events)
  }

  links(): Messages<SpanLinkView> {
    return this.#links.reset(this.bytes, this.start, this.stop, Span.links)
  }

  get droppedAttributesCount(): number {
    return this.uint32(Span.droppedAttributesCount)
  }

  get droppedEventsCount(): number {
    return this.uint32(Span.droppedEventsCount)
  }

  get droppedLinksCount(): number {
    return this.uint32(Span.droppedLinksCount)
  }
}

export class SpanEventView extends MessageView {
  readonly #attributes = new KeyValues()

  get time(): bigint {
    return this.fixed64(SpanEvent.timeUnixNano)
  }

  get name(): string {
    return this.text(SpanEvent.name)
  }

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, SpanEvent.attributes)
  }

  get droppedAttributesCount(): number {
    return this.uint32(SpanEvent.droppedAttributesCount)
  }
}

export class SpanLinkView extends MessageView {
  readonly #attributes = new KeyValues()

  get traceId(): string {
    return this.hex(SpanLink.traceId)
  }

  get spanId(): string {
    return this.hex(SpanLink.spanId)
  }

  get traceState(): string {
    return this.text(SpanLink.traceState)
  }

  get flags(): number {
    return this.fixed32(SpanLink.flags)
  }

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, SpanLink.attributes)
  }

  get droppedAttributesCount(): number {
    return this.uint32(SpanLink.droppedAttributesCount)
  }
}
