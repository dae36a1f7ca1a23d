/**
 * The contract: what any part of a pipeline is, and what the gateway gives it.
 *
 * Data is pushed: one asynchronous `consume` a batch, for all signals. A part never looks for its neighbour; it is
 * handed `next`. The gateway puts an edge between any two parts (gateway/edge.ts) that counts items and outcomes, so
 * parts count only what an edge cannot see: drops, with a reason, and what they hold.
 */

import type { Check, MapNode, Node } from '../../config/node.ts'
import type { Schema } from '../../config/schema.ts'
import type { Signal } from '../otlp/signals.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricDeclaration, MetricsRegistry } from '../telemetry/metrics.ts'
import type { Batch } from './batch.ts'
import type { Offer } from './extensions.ts'
import type { Account } from './ledger.ts'
import type { Receipt, Refused } from './outcome.ts'
import type { SendingConfig } from './sending-config.ts'

export interface ConsumeContext {
  /** Aborted when the sender went away or the gateway's drain deadline has passed: stop waiting, throw Refused. */
  readonly signal?: AbortSignal | undefined
  /** Whether `signal` is aborted, for a context that makes its signal when it is asked for. */
  readonly aborted?: boolean | undefined
  /** When the sender stops waiting: ms on the clock of `performance.now()`. */
  readonly deadline?: number
  /** How the batch came in, for metric labels: `grpc`, `http`, `kafka`. */
  readonly transport?: string
  /** W3C traceparent of the request that brought the batch, for the gateway's own traces. */
  readonly traceparent?: string
}

export const NO_CONTEXT: ConsumeContext = Object.freeze({})

export interface Consumer {
  /**
   * Takes responsibility for the batch, or throws Refused or Rejected (outcome.ts) and has taken nothing.
   * Must not be called before the part was started nor after it was stopped.
   *
   * The batch is lent until the promise settles. Bytes that are needed for longer are retained (memory.ts) before that,
   * or copied: the request's memory may be gone afterwards, and a view of it empty.
   */
  consume(batch: Batch, context: ConsumeContext): Promise<Receipt>

  /**
   * Asked by a receiver before it reads a body: would anything be refused right now, whatever is in it? A part that
   * only passes batches on asks its `next`; a part that takes responsibility itself (a queue) answers undefined.
   */
  admit?(signal: Signal): Refused | undefined
}

/** What the gateway starts and stops. Start runs from exporters back to receivers, stop the other way. */
export interface Part {
  /** Throws when the part cannot work at all (a port taken, a file that cannot be made): the gateway then exits. */
  start(): Promise<void>
  /**
   * Stops taking, then hands on or gives back what it holds, until `deadline` (ms, `performance.now()` clock); what is
   * still held then is dropped and counted. Safe without `start`, and safe twice.
   */
  stop(deadline: number): Promise<void>
  /** Where it listens once it has started, by protocol: `grpc` -> `127.0.0.1:4317`. For people and for tests. */
  readonly addresses?: ReadonlyMap<string, string>
}

export type Receiver = Part
export type Processor = Part & Consumer
export type Connector = Part & Consumer
export type Extension = Part

/** Everything an exporter says of one send, because the world does not answer yes or no. */
export interface SendResult {
  /** Items the server took. */
  readonly sent: number
  /** Items that will never be taken. */
  readonly rejected?: readonly {
    readonly items: number
    readonly reason: string
    readonly message?: string
  }[]
  /** What to send again. */
  readonly retry?: Batch
  /** The wait the server asked for before `retry`, in ms. */
  readonly afterMs?: number
}

/**
 * Sends one batch, once: no queue, no retry, no timeout of its own. `core/component/sending.ts` wraps it in those.
 * Throwing Refused means "all of it again", Rejected "none of it ever".
 */
export interface Exporter extends Part {
  /**
   * The promise that once `send` has settled, however it did, nothing reads the batch's bytes any more: not this
   * exporter, and no socket, file or thread that was given a view of them. A server that has answered is no proof that
   * the socket is done with the request. Without the promise, bytes that come here are left for V8 to collect.
   */
  readonly returnsBytes?: boolean
  send(batch: Batch, context: ConsumeContext): Promise<SendResult>
}

/** What every part is given besides its config. */
export interface Settings {
  /** As written in the config: `batch`, `otlp_http/backup`. */
  readonly id: string
  /** `processor/batch/traces`: unique in the gateway, used in logs and on the status page. */
  readonly name: string
  /** Signal of the pipeline this instance is in; receivers and exporters serve several and get them in `create`. */
  readonly signal: Signal | undefined
  readonly log: Logger
  /** Where this part's drops and holdings are entered. */
  readonly account: Account
  readonly metrics: MetricsRegistry
  readonly host: Host
  /**
   * True when an exporter this part leads to keeps what it acknowledges (`wait_for_result`, or a queue on disk): a
   * part that buffers then settles each caller with the flush that carried its last item, not before.
   */
  readonly waitDownstream?: boolean
}

/** What a part can ask of the gateway. */
export interface Host {
  /** The running extension with this id, or undefined. Available from `start` on. */
  extension(id: string): Extension | undefined
  /** Tells the health endpoints how this part is doing. */
  report(part: string, health: PartHealth): void
  /** True once every part has started and none is stopping. */
  readonly ready: boolean
  /** Who this gateway is among others: its own `service.instance.id`, unless the config takes that away. */
  readonly instanceId?: string | undefined
  /** Is this feature gate of the Collector on (gateway/gates.ts)? Without an answer it has its default. */
  gate?(id: string): boolean
  /** How many processes share the memory of the machine or container with this one, itself included; 1 without. */
  readonly workers?: number
  /** Which of them it is, counted from 1; undefined without. One that is started again has the number of the one that died. */
  readonly worker?: number | undefined
  /** Name and version for user agents and self-telemetry, and when the gateway started (ms since the epoch). */
  readonly build: { readonly name: string; readonly version: string; readonly startedAt: number }
  /** A picture of pipelines, parts and accounts, for zpages and the status page. */
  describe(): HostDescription
}

export interface PartHealth {
  readonly state: 'starting' | 'ok' | 'recoverable_error' | 'permanent_error' | 'stopping' | 'stopped'
  readonly message?: string
  /** When it came into this state, ms since the epoch; the gateway enters it. */
  readonly since?: number
}

export interface HostDescription {
  readonly pipelines: readonly {
    readonly id: string
    readonly receivers: readonly string[]
    readonly processors: readonly string[]
    readonly exporters: readonly string[]
  }[]
  readonly extensions: readonly string[]
  readonly health: ReadonlyMap<string, PartHealth>
  readonly accounts: readonly Account[]
  /** Undefined until the config is read a second time. */
  readonly lastReload?:
    | {
        /** ms since the epoch. */
        readonly at: number
        /** `rejected`: what runs is not what is written. */
        readonly outcome: 'applied' | 'unchanged' | 'rejected'
        /** For people, with file, line and column. */
        readonly problems: readonly string[]
      }
    | undefined
}

/** An address that a part wants to listen on. */
export interface Listening {
  /** Under which key of its config: `protocols::grpc::endpoint`. */
  readonly key: string
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string
  readonly transport: 'tcp' | 'tcp4' | 'tcp6' | 'unix'
}

/**
 * Where a component runs when `service.workers` makes several processes of the gateway:
 *
 * - `each`: in every worker. The workers share listening ports (core/transport/listen.ts); nothing else is shared.
 * - `first`: an extension of which one is enough, in the first worker.
 * - `primary`: an extension that shows the gateway to people, once, in the process that leads the workers. Its `host`
 *   speaks for all of them; it has no data.
 * - `impossible`: several would spoil each other's work. Such a config is refused with these words.
 */
export type WorkersRule = 'each' | 'first' | 'primary' | { readonly impossible: string; readonly fix: string }

interface FactoryBase<C> {
  /** The Collector's name: lower_snake_case. */
  readonly type: string
  /** Older or newer spellings that mean the same component. */
  readonly aliases?: readonly string[]
  /** One sentence for `sluice components` and the reference page. */
  readonly doc: string
  readonly stability: 'alpha' | 'beta' | 'stable'
  /** `each` unless something else is said. Say it for whatever writes a file, or has to see all data of one kind. */
  readonly workers?: WorkersRule
  /** What of a config does not go with workers although the component does. Must not throw. */
  workersClash?(config: C): Exclude<WorkersRule, string> | undefined
  readonly config: Schema<C>
  /**
   * Its config with what stands elsewhere in the file and belongs to it, before `config` reads it: `written` is its own,
   * `root` the whole file. A reload compares what this returns. Mistakes of what is elsewhere are told there, not here.
   */
  gather?(written: Node, root: MapNode, path: string, check: Check): Node
  /** The metrics this part adds to those of its edges; for the reference page. */
  readonly metrics?: readonly MetricDeclaration[]
  /** Where it will listen, so that two parts on one address are found before they start. Also asked about configs with mistakes; must not throw. */
  listens?(config: C): readonly Listening[]
}

export interface ReceiverFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: 'receiver'
  readonly signals: readonly Signal[]
  /**
   * True: it looks into `next` for every batch, so that a reload may add signals to `next` and take some away while it
   * runs. Otherwise a reload that changes which signals are wanted makes a new receiver.
   */
  readonly liveSignals?: boolean
  /** `next` has one consumer for each signal that some pipeline wants from this receiver. One instance for all. */
  create(config: C, settings: Settings, next: Readonly<Partial<Record<Signal, Consumer>>>): Receiver
}

export interface ProcessorFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: 'processor'
  readonly signals: readonly Signal[]
  /** What keeps a config out of a pipeline of this signal. Also asked about configs with mistakes; must not throw. */
  misfit?(config: C, signal: Signal): string | undefined
  /** It merges requests unless these keys of their senders differ, and forgets the rest of their `meta`. */
  mergesBy?(config: C): readonly string[]
  /** One instance for each pipeline that lists it. */
  create(config: C, settings: Settings, next: Consumer): Processor
}

export interface ConnectorFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: 'connector'
  /** Which signal in gives which signal out: `[['traces', 'metrics']]`. */
  readonly routes: readonly (readonly [from: Signal, to: Signal])[]
  /** One instance for each pair of signals in use. */
  create(config: C, settings: Settings, next: Consumer): Connector
}

export interface ExporterFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: 'exporter'
  readonly signals: readonly Signal[]
  /** As that of a processor. */
  misfit?(config: C, signal: Signal): string | undefined
  /** Queue, retry and timeout taken from the config; without it `send` is called directly, once. */
  sending?(config: C): SendingConfig
  /** True: it does not look at `signals`. Otherwise a reload that adds a signal makes a new exporter. */
  readonly liveSignals?: boolean
  /** One instance for all signals and pipelines. `signals` are those in use. */
  create(config: C, settings: Settings, signals: readonly Signal[]): Exporter
}

export interface ExtensionFactory<C = unknown> extends FactoryBase<C> {
  readonly kind: 'extension'
  /** What other parts may name it for. Also asked about configs with mistakes; must not throw. */
  offers?(config: C): readonly Offer[]
  /** What it reads of the sender of a batch for exporters, as `metadata_keys` would name it. */
  readsOfSender?(config: C): readonly string[]
  create(config: C, settings: Settings): Extension
}

export type Factory =
  | ReceiverFactory
  | ProcessorFactory
  | ConnectorFactory
  | ExporterFactory
  | ExtensionFactory
