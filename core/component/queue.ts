/**
 * The bounded queue in front of a server (exporterhelper's memory queue). What is being sent still counts: room comes
 * back when a request is settled, so the bounds hold for all that the exporter holds.
 */

import type { Clock } from './clock.ts'
import { Room, type RoomLimits } from './room.ts'
import type { Ticket } from './ticket.ts'

export class SendingQueue {
  /** Who wants to `push` enters here first. */
  readonly room: Room
  #first: Ticket | undefined
  #last: Ticket | undefined

  /** `name` of the exporter, for sentences. */
  constructor(limits: RoomLimits, name: string, clock: Clock) {
    const words = {
      place: `the sending queue of ${name}`,
      enlarge: 'raise sending_queue.queue_size',
      relieve:
        'more arrives than its server takes; look at its errors, or raise sending_queue.queue_size, ' +
        'max_queue_bytes or num_consumers',
    }
    this.room = new Room(limits, words, clock)
  }

  /** Puts a request that has entered the room at the end. */
  push(ticket: Ticket): void {
    ticket.before = this.#last
    if (this.#last === undefined) this.#first = ticket
    else this.#last.after = ticket
    this.#last = ticket
  }

  /** The oldest request; its room stays taken. */
  take(): Ticket | undefined {
    const ticket = this.#first
    if (ticket !== undefined) this.#unlink(ticket)
    return ticket
  }

  /** Takes a request out of the middle; false when it is not waiting here any more. */
  remove(ticket: Ticket): boolean {
    if (ticket !== this.#first && ticket.before === undefined) return false
    this.#unlink(ticket)
    return true
  }

  #unlink(ticket: Ticket): void {
    if (ticket.before === undefined) this.#first = ticket.after
    else ticket.before.after = ticket.after
    if (ticket.after === undefined) this.#last = ticket.before
    else ticket.after.before = ticket.before
    ticket.before = undefined
    ticket.after = undefined
  }
}
