/** How far a batch has come: it is several requests, and each has a fate of its own. */

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
  /** To be sent, in this order; what is on its way stays in front until it is answered. */
  #waiting: Outgoing[]
  readonly #underWay = new Set<Outgoing>()
  #sent = 0
  readonly #losses = new Map<string, Loss>()
  #attempt = 0

  constructor(requests: readonly WriteRequest[], losses: readonly Loss[]) {
    this.#waiting = requests.map(request => ({ ...request, compressed: undefined }))
    for (const { items, reason, message } of losses) this.lose(items, reason, message)
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

  /** The next request, under way from here on. */
  next(): Outgoing | undefined {
    const found = this.#waiting.find(request => !this.#underWay.has(request))
    if (found !== undefined) this.#underWay.add(found)
    return found
  }

  /** It has come to an end, one way or the other. */
  done(request: Outgoing): void {
    this.#underWay.delete(request)
    this.#waiting.splice(this.#waiting.indexOf(request), 1)
  }

  /** It stays, to be sent by the next attempt. */
  again(request: Outgoing): void {
    this.#underWay.delete(request)
  }

  /** Others take its place. */
  replace(request: Outgoing, by: readonly WriteRequest[]): void {
    this.#underWay.delete(request)
    const made = by.map(one => ({ ...one, compressed: undefined }))
    this.#waiting.splice(this.#waiting.indexOf(request), 1, ...made)
  }

  get itemsLeft(): number {
    return this.#waiting.reduce((sum, { items }) => sum + items, 0)
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
