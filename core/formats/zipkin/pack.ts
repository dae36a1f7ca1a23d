/** Several spans in one message: repeated until the message is full. */

import type { Writer } from '../../otlp/writer.ts'
import { Blocks, type FormatRecord } from '../record.ts'
import type { ZipkinSpan } from './model.ts'

/** What stands around and between spans. */
export interface Frame {
  readonly open: Uint8Array
  readonly separator: Uint8Array
  readonly close: Uint8Array
}

/** Messages of at most `maxBytes`, but for a span that is larger alone. None when there are no spans. */
export function* packRecords(
  spans: Iterable<ZipkinSpan>,
  maxBytes: number,
  frame: Frame,
  write: (out: Writer, span: ZipkinSpan) => void,
): Generator<FormatRecord, void, undefined> {
  const blocks = new Blocks()
  let out = blocks.begin()
  let start = out.pos
  let items = 0
  for (const span of spans) {
    const before = out.pos
    out.raw(items === 0 ? frame.open : frame.separator)
    const from = out.pos
    write(out, span)
    items++
    if (out.pos - start + frame.close.length <= maxBytes || items === 1) continue
    // One too many: it begins the next message.
    const last = Uint8Array.from(out.bytes.subarray(from, out.pos))
    out.rewind(before)
    out.raw(frame.close)
    yield { key: undefined, value: blocks.end(start), items: items - 1 }
    out = blocks.begin()
    start = out.pos
    out.raw(frame.open)
    out.raw(last)
    items = 1
  }
  if (items === 0) return
  out.raw(frame.close)
  yield { key: undefined, value: blocks.end(start), items }
}
