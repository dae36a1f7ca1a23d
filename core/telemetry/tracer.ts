/**
 * The gateway's own traces: one span for each batch a receiver hands on, following the sender's traceparent
 * (https://www.w3.org/TR/trace-context/). Small on purpose: names, times, a few attributes, an outcome.
 */

import { randomBytes } from 'node:crypto'

export interface SpanRecord {
  /** Lower-case hex: 32 digits, and 16 for the others. */
  readonly traceId: string
  readonly spanId: string
  /** '' for a root. */
  readonly parentSpanId: string
  readonly name: string
  /** ms since the epoch, with fractions. */
  readonly start: number
  readonly end: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** What went wrong; undefined when nothing did. */
  readonly error: string | undefined
}

export interface SamplerConfig {
  /** Share of root traces kept, 0 to 1. */
  readonly ratio: number
  /** Follow the sender's decision when it made one. */
  readonly parentBased: boolean
}

export interface ActiveSpan {
  /** For what is called under this span. */
  readonly traceparent: string
  end(attributes: SpanRecord['attributes'], error?: string): void
}

interface Parent {
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
}

/** undefined for anything that is not a traceparent of version 00 or later. */
export function parseTraceparent(header: string | undefined): Parent | undefined {
  const parts = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(header ?? '')
  if (parts === null || /^0+$/.test(parts[1]!) || /^0+$/.test(parts[2]!)) return undefined
  return { traceId: parts[1]!, spanId: parts[2]!, sampled: (Number.parseInt(parts[3]!, 16) & 1) === 1 }
}

export class Tracer {
  readonly #sampler: SamplerConfig
  readonly #done: (span: SpanRecord) => void

  /** `done` takes each finished span; it must not throw. */
  constructor(sampler: SamplerConfig, done: (span: SpanRecord) => void) {
    this.#sampler = sampler
    this.#done = done
  }

  start(name: string, traceparent: string | undefined): ActiveSpan {
    const parent = parseTraceparent(traceparent)
    const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
    const spanId = randomBytes(8).toString('hex')
    const sampled = parent !== undefined && this.#sampler.parentBased ? parent.sampled : this.#keeps(traceId)
    const start = performance.timeOrigin + performance.now()
    return {
      traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`,
      end: (attributes, error) => {
        if (!sampled) return
        const end = performance.timeOrigin + performance.now()
        this.#done({
          traceId,
          spanId,
          parentSpanId: parent?.spanId ?? '',
          name,
          start,
          end,
          attributes,
          error,
        })
      },
    }
  }

  /** By the last 7 bytes of the trace id, so that every hop decides alike. */
  #keeps(traceId: string): boolean {
    const { ratio } = this.#sampler
    return ratio >= 1 || Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52
  }
}
