/** Reading protobuf that nobody has validated. */

import { Cursor, I32, LEN, VARINT } from '../otlp/cursor.ts'
import { BadMessage } from './bad-message.ts'

const VARINT_MAX = 10
const EMPTY = new Uint8Array()

/** A cursor whose fields lie inside their message, or it throws. */
export class CheckedCursor extends Cursor {
  readonly #format: string

  /** `format`: for errors, as its config names it. */
  constructor(format: string, bytes: Uint8Array = EMPTY) {
    super(bytes)
    this.#format = format
  }

  /** @throws BadMessage */
  override next(): boolean {
    if (!super.next()) return false
    const { field, wire, start, stop } = this
    if (field === 0) this.fail('field number 0 does not exist')
    if (wire > I32 || wire === 3 || wire === 4) this.fail(`wire type ${wire} is not supported`)
    if (stop > this.end || stop < start) this.fail(`field ${field} runs past the end of its message`)
    if (wire === VARINT && stop - start > VARINT_MAX) this.fail('a varint of more than 10 bytes')
    return true
  }

  /** Throws unless the current field has this wire type. */
  expect(wire: number): void {
    if (this.wire !== wire) this.fail(`wire type ${this.wire} is wrong for field ${this.field}`)
  }

  /** Lets `inner` read the message that is the current field's value. */
  enter(inner: CheckedCursor): CheckedCursor {
    this.expect(LEN)
    inner.reset(this.bytes, this.start, this.stop)
    return inner
  }

  fail(reason: string): never {
    throw new BadMessage(this.#format, `${reason} (byte ${this.tagStart})`)
  }
}
