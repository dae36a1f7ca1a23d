/**
 * Between a pipeline and its exporters: queue -> batching -> retry -> timeout -> `exporter.send`, as in
 * exporterhelper 0.155, one such lane for each signal.
 *
 * What `consume` promises depends on the config:
 *
 * - A queue (the default): it resolves once the request is queued. From then on the items are ours: `held`, until
 *   they are `out` or `dropped` with a reason. `queue_size` bounds all that is held, what is being sent included.
 * - A queue with `wait_for_result`, or no queue: it settles with the server's answer. Responsibility never passed, so
 *   a failure is thrown to the sender and nothing is dropped. Items the server rejected are in the Receipt.
 *
 * The exporter's account (ledger.ts). The edge in front enters `in` when `consume` resolves (items that were not
 * rejected), and `refused` for what was thrown or rejected. The lane enters the rest when the last item of a request
 * is settled:
 *
 *     queue                      in = out + dropped{reason} + held
 *     wait_for_result, no queue  in = out
 *
 * `out` includes `unknown`: items that were cut off at the drain deadline after they were handed to the exporter, or
 * that the exporter forgot to account for. An attempt that times out is tried again and not waited for; should it
 * deliver late, its items are entered as `unknown` too, beside whatever became of the retry. Outside the balance, as
 * duplicates: what was delivered for a sender that was refused in the end, because another part of its request failed
 * or because it stopped waiting. It will send everything again; losing is worse than sending twice.
 *
 * Merged requests. A server says how many items it rejected, not whose: the numbers are dealt out over the requests
 * of the batch so that they add up. When some items are given up on, every sender that waits for that batch is
 * refused.
 *
 * Stop. The queue closes, waits between retries end and lead to one last attempt, what is queued gets one attempt
 * each, until the deadline; what is left then is dropped as `shutdown`, or refused where a sender still waits.
 */

import { SIGNALS, type Signal } from '../otlp/signals.ts'
import type { Batch } from './batch.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import type { ConsumeContext, Consumer, Exporter, Part, Settings } from './contract.ts'
import { Lane } from './lane.ts'
import { ACCEPTED, type Receipt, Refused } from './outcome.ts'
import type { SendingConfig } from './sending-config.ts'

export interface SendingOptions {
  /** Those in use, so that the queue's metrics are there before the first request; others are added when needed. */
  readonly signals?: readonly Signal[]
  readonly clock?: Clock
  /** Gives [0, 1), for the retries' jitter. */
  readonly random?: () => number
}

/** The part that stands for an exporter in a pipeline; it starts and stops the exporter. */
export function sendingChain(
  exporter: Exporter,
  config: SendingConfig,
  settings: Settings,
  options: SendingOptions = {},
): Consumer & Part {
  return new SendingChain(exporter, config, settings, options)
}

/** For exporters without `sending`: one call, once, and its outcome is the sender's. Accounts are the same. */
export function direct(
  exporter: Exporter,
  settings: Settings,
  options: SendingOptions = {},
): Consumer & Part {
  return new SendingChain(exporter, DIRECT, settings, options)
}

/** No queue, no retry, no timeout: what an exporter without those keys has. */
export const DIRECT: SendingConfig = {
  timeout: 0,
  retry_on_failure: {
    enabled: false,
    initial_interval: 0,
    randomization_factor: 0,
    multiplier: 1,
    max_interval: 0,
    max_elapsed_time: 0,
  },
  sending_queue: {
    enabled: false,
    num_consumers: 1,
    queue_size: 1,
    max_queue_bytes: 0,
    sizer: 'requests',
    block_on_overflow: false,
    wait_for_result: false,
    storage: '',
    batch: undefined,
  },
}

class SendingChain implements Consumer, Part {
  readonly #exporter: Exporter
  readonly #newLane: (signal: Signal) => Lane
  readonly #lanes = new Map<Signal, Lane>()
  #stopped: Promise<void> | undefined

  constructor(exporter: Exporter, config: SendingConfig, settings: Settings, options: SendingOptions) {
    const { clock = SYSTEM_CLOCK, random = Math.random, signals = [] } = options
    this.#exporter = exporter
    this.#newLane = signal => new Lane(signal, exporter, config, settings, clock, random)
    for (const signal of SIGNALS) if (signals.includes(signal)) this.#lane(signal)
  }

  async start(): Promise<void> {
    await this.#exporter.start()
  }

  consume(batch: Batch, context: ConsumeContext): Promise<Receipt> {
    if (this.#stopped !== undefined) return Promise.reject(new Refused('the exporter has stopped'))
    if (batch.byteLength === 0) return Promise.resolve(ACCEPTED)
    return this.#lane(batch.signal).consume(batch, context)
  }

  async stop(deadline: number): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    await this.#stopped
  }

  async #stop(deadline: number): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(lane => lane.stop(deadline)))
    await this.#exporter.stop(deadline)
  }

  #lane(signal: Signal): Lane {
    let lane = this.#lanes.get(signal)
    if (lane === undefined) {
      lane = this.#newLane(signal)
      this.#lanes.set(signal, lane)
    }
    return lane
  }
}
