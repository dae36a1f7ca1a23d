/** How far a batch has come: it is several requests, and each has a fate of its own. */

import { REJECTED_BY_SERVER } from '../../core/component/delivery.ts'
import type { WriteRequest } from '../../core/formats/prometheus/remote-write.ts'

export interface Loss {
  items: number
  readonly reason: string
  readonly message: string
}

/** One request on its way; the same object through all attempts. */
export interface Outgoing extends WriteRequest {
  /** As it is sent, once it has been. */
  compressed: Uint8Array | undefined
}

export class Progress {
  /** Asked for and to be sent, in this order; what is on its way stays in front until it is answered. */
  #waiting: Outgoing[] = []
  /** Gives the others, one by one. */
  #source: Iterator<WriteRequest, void> | undefined
  readonly #underWay = new Set<Outgoing>()
  #left: number
  #sent = 0
  readonly #losses = new Map<string, Loss>()
  #attempt = 0

  /** `items` are those of the batch, `losses` what of it is in no request. */
  constructor(items: number, requests: Iterator<WriteRequest, void>, losses: readonly Loss[]) {
    this.#source = requests
    this.#left = items
    for (const { items: lost, reason, message } of losses) {
      this.lose(lost, reason, message)
      this.#left -= lost
    }
  }

  /** Begins an attempt and returns its number. What the attempt before had under way is to be sent again. */
  begin(): number {
    this.#underWay.clear()
    return ++this.#attempt
  }

  /** False for an attempt that was given up on, which must not go on. */
  isCurrent(attempt: number): boolean {
    return this.#attempt === attempt
  }

  /** The next request, under way from here on. Throws what went wrong when it was written, once. */
  next(): Outgoing | undefined {
    const found = this.#waiting.find(request => !this.#underWay.has(request)) ?? this.#pull()
    if (found !== undefined) this.#underWay.add(found)
    return found
  }

  #pull(): Outgoing | undefined {
    const source = this.#source
    if (source === undefined) return undefined
    // Should it throw, it has nothing more to give.
    this.#source = undefined
    const { done, value } = source.next()
    if (done === true) return undefined
    this.#source = source
    const request = { ...value, compressed: undefined }
    this.#waiting.push(request)
    return request
  }

  /** Asks for all requests now, because what they are written from is needed for something else. */
  keep(): void {
    try {
      while (this.#pull() !== undefined) {}
    } catch (error) {
      this.loseRest(REJECTED_BY_SERVER.name, `the batch could not be written: ${error}`)
    }
  }

  /** Loses all that was never asked for. */
  loseRest(reason: string, message: string): void {
    this.#source = undefined
    const rest = this.#left - this.#waiting.reduce((sum, { items }) => sum + items, 0)
    this.lose(rest, reason, message)
    this.#left -= rest
  }

  /** It has come to an end, one way or the other. */
  done(request: Outgoing): void {
    this.#underWay.delete(request)
    this.#waiting.splice(this.#waiting.indexOf(request), 1)
    this.#left -= request.items
  }

  /** It stays, to be sent by the next attempt. */
  again(request: Outgoing): void {
    this.#underWay.delete(request)
  }

  /** Others take its place, which have the same items. */
  replace(request: Outgoing, by: readonly WriteRequest[]): void {
    this.#underWay.delete(request)
    const made = by.map(one => ({ ...one, compressed: undefined }))
    this.#waiting.splice(this.#waiting.indexOf(request), 1, ...made)
  }

  /** Items that nothing has become of yet. */
  get itemsLeft(): number {
    return this.#left
  }

  send(items: number): void {
    this.#sent += items
  }

  lose(items: number, reason: string, message: string): void {
    if (items === 0) return
    const loss = this.#losses.get(reason)
    if (loss === undefined) this.#losses.set(reason, { items, reason, message })
    else loss.items += items
  }

  /** What has become of items since this was last asked, which is told once. */
  tell(): { readonly sent: number; readonly losses: readonly Loss[]; readonly items: number } {
    const sent = this.#sent
    const losses = [...this.#losses.values()]
    this.#sent = 0
    this.#losses.clear()
    return { sent, losses, items: losses.reduce((sum, loss) => sum + loss.items, sent) }
  }
}
