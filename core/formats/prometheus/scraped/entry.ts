/** Labels that were written as OTLP attributes, read back one by one. */

/** One KeyValue with a text, as `writeLabels` writes it. */
class Entry {
  bytes: Uint8Array = new Uint8Array()
  lengthStart = 0
  stop = 0
  #keyStart = 0
  #keyStop = 0

  at(bytes: Uint8Array, start: number): this {
    this.bytes = bytes
    this.lengthStart = start + 1
    this.#varint(this.lengthStart)
    this.stop = this.#after + this.#read
    this.#varint(this.#after + 1)
    this.#keyStart = this.#after
    this.#keyStop = this.#after + this.#read
    return this
  }

  is(name: string): boolean {
    if (this.#keyStop - this.#keyStart !== name.length) return false
    for (let i = 0; i < name.length; i++)
      if (this.bytes[this.#keyStart + i] !== name.charCodeAt(i)) return false
    return true
  }

  key(): string {
    return utf8(this.bytes, this.#keyStart, this.#keyStop)
  }

  value(): string {
    // The AnyValue, and the text in it.
    this.#varint(this.#keyStop + 1)
    this.#varint(this.#after + 1)
    return utf8(this.bytes, this.#after, this.#after + this.#read)
  }

  #read = 0
  #after = 0

  #varint(start: number): void {
    let at = start
    let shift = 1
    this.#read = 0
    for (;;) {
      const byte = this.bytes[at++]!
      this.#read += (byte & 0x7f) * shift
      if (byte < 0x80) break
      shift *= 0x80
    }
    this.#after = at
  }
}

const shared = new Entry()

/** The entry at `start`, good until the next call. */
export function entryAt(bytes: Uint8Array, start: number): Entry {
  return shared.at(bytes, start)
}

function utf8(bytes: Uint8Array, start: number, stop: number): string {
  return Buffer.prototype.utf8Slice.call(bytes, start, stop)
}
