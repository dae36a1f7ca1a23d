/** Wires the gateway's own metrics, logs and spans to the OTLP servers that `service.telemetry` names. */

import { readersOf, type SignalProcessorConfig, type TelemetryConfig } from '../core/telemetry/config.ts'
import type { LogRecord, RootLog } from '../core/telemetry/log.ts'
import type { MetricDeclaration, Metrics } from '../core/telemetry/metrics.ts'
import type { OtlpTargetConfig } from '../core/telemetry/otlp-target.ts'
import { OwnQueue } from '../core/telemetry/own-queue.ts'
import { type SpanRecord, Tracer } from '../core/telemetry/tracer.ts'
import { loadOtlpEncoder } from './catalog.ts'
import { type OwnClient, ownClient } from './own-otlp-client.ts'

type Encoder = InstanceType<Awaited<ReturnType<typeof loadOtlpEncoder>>>
type OwnSignal = 'traces' | 'metrics' | 'logs'

const DROPPED: MetricDeclaration = {
  kind: 'counter',
  name: 'sluice_telemetry_dropped_records',
  unit: '{records}',
  help: "Log lines and spans of the gateway's own that could not be sent.",
  labels: ['signal'],
  level: 'basic',
}

/** Every metric of this file, for the reference page. */
export const OWN_SIGNAL_METRICS = [DROPPED]

const SIMPLE_DELAY_MS = 1
const SIMPLE_QUEUE_MAX = 2048

export interface OwnSignals {
  /** Undefined when no traces of the gateway are wanted. */
  readonly tracer: Tracer | undefined
  /** Sends what there is, until `deadline` (ms, `performance.now()` clock). */
  stop(deadline: number): Promise<void>
}

interface Surroundings {
  readonly resource: Readonly<Record<string, string>>
  readonly metrics: Metrics
  readonly log: RootLog
}

/** Starts the exports; nothing is loaded when there are none. Throws when a certificate cannot be read. */
export async function startOwnSignals(config: TelemetryConfig, around: Surroundings): Promise<OwnSignals> {
  const spanTargets = config.traces.level === 'none' ? [] : targetsOf(config.traces.processors)
  const logTargets = targetsOf(config.logs.processors)
  const periodic = readersOf(config.metrics).flatMap(({ periodic }) => {
    const otlp = periodic?.exporter.otlp
    if (periodic === undefined || otlp === undefined) return []
    return [{ interval: periodic.interval, otlp: within(otlp, periodic.timeout) }]
  })
  if (spanTargets.length + logTargets.length + periodic.length === 0)
    return { tracer: undefined, stop: async () => {} }
  const Encoder = await loadOtlpEncoder()
  const stops: ((deadline: number) => Promise<void>)[] = []
  const encoderFor = ({ protocol }: OtlpTargetConfig): Encoder =>
    new Encoder(around.resource, protocol === 'http/json')
  for (const { otlp, interval } of periodic) {
    stops.push(pushMetrics(ownClient(otlp), encoderFor(otlp), interval, around))
  }
  const queues = <T>(
    targets: readonly Target[],
    signal: OwnSignal,
    encode: (encoder: Encoder, records: readonly T[]) => Uint8Array,
  ) =>
    targets.map(target => {
      const client = ownClient(target.otlp)
      const encoder = encoderFor(target.otlp)
      const queue = new OwnQueue<T>({
        ...target,
        send: records => client.send(signal, encode(encoder, records)),
        dropped: records => around.metrics.counter(DROPPED).add(records, { signal }),
        failing: error => sayFailing(around.log, signal, error),
      })
      stops.push(async deadline => {
        await queue.stop(deadline)
        client.close()
      })
      return queue
    })
  const spans = queues<SpanRecord>(spanTargets, 'traces', (encoder, records) => encoder.spans(records))
  const lines = queues<LogRecord>(logTargets, 'logs', (encoder, records) => encoder.logs(records))
  if (lines.length > 0) {
    const untee = around.log.tee(line => addTo(lines, line))
    stops.push(async () => untee())
  }
  return {
    tracer: spans.length === 0 ? undefined : new Tracer(config.traces.sampler, span => addTo(spans, span)),
    stop: async deadline => {
      await Promise.all(stops.map(stop => stop(deadline)))
    },
  }
}

function addTo<T>(queues: readonly OwnQueue<T>[], record: T): void {
  for (const queue of queues) queue.add(record)
}

interface Target {
  readonly otlp: OtlpTargetConfig
  readonly delayMs: number
  readonly queueMax: number
  readonly batchMax: number
}

/** The shorter of the server's timeout and the reader's or processor's, in ms; 0 is no limit. */
function within(otlp: OtlpTargetConfig, limit: number): OtlpTargetConfig {
  if (limit === 0 || (otlp.timeout !== 0 && otlp.timeout <= limit)) return otlp
  return { ...otlp, timeout: limit }
}

function targetsOf(processors: readonly SignalProcessorConfig[]): Target[] {
  return processors.flatMap(({ batch, simple }) => {
    const found: Target[] = []
    if (batch?.exporter.otlp !== undefined) {
      const { schedule_delay, max_queue_size, max_export_batch_size } = batch
      found.push({
        otlp: within(batch.exporter.otlp, batch.export_timeout),
        delayMs: schedule_delay,
        queueMax: max_queue_size,
        batchMax: max_export_batch_size,
      })
    }
    if (simple?.exporter.otlp !== undefined) {
      found.push({
        otlp: simple.exporter.otlp,
        delayMs: SIMPLE_DELAY_MS,
        queueMax: SIMPLE_QUEUE_MAX,
        batchMax: 1,
      })
    }
    return found
  })
}

/** Sends all metrics every `intervalMs`, and once more at the end. A send that is late skips a turn. */
function pushMetrics(
  client: OwnClient,
  encoder: Encoder,
  intervalMs: number,
  { metrics, log }: Surroundings,
): (deadline: number) => Promise<void> {
  let sending: Promise<void> | undefined
  let failing = false
  const sendNow = async (): Promise<void> => {
    try {
      await client.send('metrics', encoder.metrics(metrics.snapshot(), metrics.startedAt, Date.now()))
      if (failing) sayFailing(log, 'metrics', undefined)
      failing = false
    } catch (error) {
      if (!failing) sayFailing(log, 'metrics', error)
      failing = true
    }
  }
  const push = (): Promise<void> => {
    sending ??= sendNow().finally(() => {
      sending = undefined
    })
    return sending
  }
  const timer = setInterval(push, intervalMs).unref()
  return async deadline => {
    clearInterval(timer)
    let late: NodeJS.Timeout | undefined
    const over = new Promise<void>(resolve => {
      late = setTimeout(resolve, Math.max(0, deadline - performance.now()))
    })
    await Promise.race([push(), over])
    clearTimeout(late)
    client.close()
  }
}

function sayFailing(log: RootLog, signal: OwnSignal, error: unknown): void {
  if (error === undefined) log.info("The gateway's own signals are sent again", { signal })
  else log.warn("The gateway's own signals cannot be sent", { signal, error })
}
