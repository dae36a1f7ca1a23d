/**
 * The bounded queue in front of a server (exporterhelper's memory queue). What is being sent still counts: room comes
 * back when a request is settled, so the bounds hold for all that the exporter holds.
 */

import type { Clock } from './clock.ts'
import { List } from './list.ts'
import { Room, type RoomLimits } from './room.ts'
import type { Ticket } from './ticket.ts'

export class SendingQueue {
  /** Who wants into `waiting` enters here first. */
  readonly room: Room
  readonly waiting = new List<Ticket>()

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
}
