/**
 * Many small byte strings in few buffers: a buffer or a view of its own for each costs V8 more than the bytes do. What
 * is added stays until `clear`.
 */

const CHUNK = 256 * 1024

export class ByteArena {
  #chunks: Uint8Array[] = []
  #used = CHUNK
  #bytes = 0

  /** All buffers together. */
  get bytes(): number {
    return this.#bytes
  }

  /** Copies `bytes[start, stop)`; the number it returns finds them again. */
  add(bytes: Uint8Array, start: number, stop: number): number {
    const length = stop - start
    // Never full to the last byte, so that the place of an empty string lies in a chunk too.
    if (this.#used + length >= CHUNK) {
      const size = Math.max(CHUNK, length)
      this.#chunks.push(Buffer.allocUnsafeSlow(size))
      this.#bytes += size
      this.#used = 0
    }
    const chunk = this.#chunks.at(-1)!
    chunk.set(bytes.subarray(start, stop), this.#used)
    const place = (this.#chunks.length - 1) * CHUNK + this.#used
    // One that is larger than a chunk has its own, which is full then.
    this.#used += length
    return place
  }

  /** The buffer in which `place` lies, at `offsetOf(place)`. */
  chunkOf(place: number): Uint8Array {
    return this.#chunks[Math.floor(place / CHUNK)]!
  }

  clear(): void {
    this.#chunks = []
    this.#used = CHUNK
    this.#bytes = 0
  }
}

export function offsetOf(place: number): number {
  return place % CHUNK
}
