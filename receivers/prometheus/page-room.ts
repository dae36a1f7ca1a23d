/**
 * How many bytes of pages may be held at the same time. Each page has a limit of its own, but a thousand targets that all
 * send their limit slowly would hold it a thousand times.
 *
 * Nobody waits: a scrape that waited would be late, and targets that never end would keep others waiting. When the room
 * is used up the pages that take more than their share of it fail, and those below their share go on; so no more than
 * twice the room is ever held, and small pages do not suffer from large ones.
 */

/** Of one receiver, in bytes. */
export const ROOM_BYTES = 512 * 1024 * 1024

/** There is no room for more of this page. */
export class NoRoom extends Error {
  constructor(held: number, all: number, pages: number) {
    super(
      `the page was given up after ${held} bytes: ${pages} pages that are read at the same time hold ${all} bytes; ` +
        'set body_size_limit, or a longer scrape_interval',
    )
  }
}

export class PageRoom {
  readonly #bytes: number
  #held = 0
  #pages = 0

  constructor(bytes = ROOM_BYTES) {
    this.#bytes = bytes
  }

  /** By all pages, in bytes. */
  get held(): number {
    return this.#held
  }

  /** For one more page; whoever got it calls `leave`. */
  enter(): HeldPage {
    this.#pages++
    return new HeldPage({
      most: held => Math.max(this.#bytes - this.#held, Math.floor(this.#bytes / this.#pages) - held),
      change: bytes => {
        this.#held += bytes
      },
      full: held => new NoRoom(held, this.#held, this.#pages),
      leave: held => {
        this.#held -= held
        this.#pages--
      },
    })
  }
}

interface RoomSide {
  most(held: number): number
  change(bytes: number): void
  full(held: number): NoRoom
  leave(held: number): void
}

/** What one page holds. */
export class HeldPage {
  readonly #room: RoomSide
  #held = 0
  #left = false

  constructor(room: RoomSide) {
    this.#room = room
  }

  /** How much more it may take now, in bytes; never below 0. */
  get most(): number {
    return Math.max(0, this.#room.most(this.#held))
  }

  /** Takes more. Throws NoRoom. */
  take(bytes: number): void {
    if (bytes > this.most) throw this.full()
    this.#held += bytes
    this.#room.change(bytes)
  }

  /** Why it cannot have more. */
  full(): NoRoom {
    return this.#room.full(this.#held)
  }

  /** Once the page is read and let go. Safe twice. */
  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#room.leave(this.#held)
  }
}
