/** Bytes that stand in a text again and again. */

const NOTHING: Uint8Array = new Uint8Array()

export class Piece {
  readonly bytes: Uint8Array
  /** Whose place it is among those of a text. Two pieces that take each other's place share it. */
  readonly nth: number
  /** Another piece has taken its place. */
  isGone = false
  /** Letters that stood behind it when it stood at `followedAt` of the text `followedIn`, as far as they are kept. */
  followed = NOTHING
  followedLength = 0
  followedAt = -1
  followedIn = 0

  constructor(bytes: Uint8Array, nth: number) {
    this.bytes = bytes
    this.nth = nth
  }
}
