/** Jaeger's model as values: what its decoders read and `to-otlp.ts` translates. */

export interface JaegerTag {
  readonly key: string
  /** VALUE_TYPE; a number that is none of them is kept. */
  readonly type: number
  /** What `type` says: string, boolean, bigint (INT64), number (FLOAT64) or bytes. */
  readonly value: string | boolean | bigint | number | Uint8Array
}

export interface JaegerReference {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  /** CHILD_OF or FOLLOWS_FROM. */
  readonly type: number
}

export interface JaegerLog {
  /** Nanoseconds since 1970. */
  readonly time: bigint
  readonly fields: readonly JaegerTag[]
}

export interface JaegerProcess {
  readonly serviceName: string
  readonly tags: readonly JaegerTag[]
}

/** Flags, process id and warnings have no place in OTLP (the Collector drops them too) and are not read. */
export interface JaegerSpan {
  /** 16 bytes, zeros when absent. */
  traceId: Uint8Array
  /** 8 bytes, zeros when absent. */
  spanId: Uint8Array
  operationName: string
  references: JaegerReference[]
  /** Nanoseconds since 1970. */
  startTime: bigint
  /** Nanoseconds. */
  duration: bigint
  tags: JaegerTag[]
  logs: JaegerLog[]
  process: JaegerProcess | undefined
}

const NO_TRACE_ID = new Uint8Array(16)
const NO_SPAN_ID = new Uint8Array(8)

/** Its ids are shared: replace them, do not write into them. */
export function emptySpan(): JaegerSpan {
  return {
    traceId: NO_TRACE_ID,
    spanId: NO_SPAN_ID,
    operationName: '',
    references: [],
    startTime: 0n,
    duration: 0n,
    tags: [],
    logs: [],
    process: undefined,
  }
}
