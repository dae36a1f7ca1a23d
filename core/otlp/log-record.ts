/** LogRecord, read lazily. Ids are lower-case hex, times nanoseconds since 1970. */

import { LogRecord } from './fields.ts'
import { MessageView } from './message.ts'
import { KeyValues, ValueView } from './value.ts'

export class LogRecordView extends MessageView {
  readonly #attributes = new KeyValues()
  readonly #body = new ValueView()

  get time(): bigint {
    return this.fixed64(LogRecord.timeUnixNano)
  }

  get observedTime(): bigint {
    return this.fixed64(LogRecord.observedTimeUnixNano)
  }

  get severityNumber(): number {
    return this.int32(LogRecord.severityNumber)
  }

  get severityText(): string {
    return this.text(LogRecord.severityText)
  }

  get eventName(): string {
    return this.text(LogRecord.eventName)
  }

  get traceId(): string {
    return this.hex(LogRecord.traceId)
  }

  get spanId(): string {
    return this.hex(LogRecord.spanId)
  }

  get flags(): number {
    return this.fixed32(LogRecord.flags)
  }

  /** Of type `empty` when there is none. */
  body(): ValueView {
    const start = this.startOf(LogRecord.body)
    if (start === -1) return this.#body.reset(this.bytes, 0, 0)
    return this.#body.reset(this.bytes, start, this.stopOf(LogRecord.body))
  }

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, LogRecord.attributes)
  }

  get droppedAttributesCount(): number {
    return this.uint32(LogRecord.droppedAttributesCount)
  }
}
