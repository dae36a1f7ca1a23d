/** Names and numbers of Jaeger's model (model.proto of jaeger-idl) and of what OTLP becomes in it. */

/** Field numbers of model.proto. */
export const JSpan = {
  traceId: 1,
  spanId: 2,
  operationName: 3,
  references: 4,
  flags: 5,
  startTime: 6,
  duration: 7,
  tags: 8,
  logs: 9,
  process: 10,
  processId: 11,
  warnings: 12,
} as const

export const JKeyValue = { key: 1, vType: 2, vStr: 3, vBool: 4, vInt64: 5, vFloat64: 6, vBinary: 7 } as const
export const JSpanRef = { traceId: 1, spanId: 2, refType: 3 } as const
export const JLog = { timestamp: 1, fields: 2 } as const
export const JProcess = { serviceName: 1, tags: 2 } as const
/** google.protobuf.Timestamp and Duration. */
export const JTime = { seconds: 1, nanos: 2 } as const

export const VALUE_TYPES = ['STRING', 'BOOL', 'INT64', 'FLOAT64', 'BINARY'] as const
export const VALUE_TYPE = { STRING: 0, BOOL: 1, INT64: 2, FLOAT64: 3, BINARY: 4 } as const
export const CHILD_OF = 0
export const FOLLOWS_FROM = 1

export const TRACE_ID_SIZE = 16
export const SPAN_ID_SIZE = 8

/** The service of a resource without attributes. */
export const NO_SERVICE_NAME = 'OTLPResourceNoServiceName'

export const SERVICE_NAME = 'service.name'
export const SCOPE_NAME = 'otel.scope.name'
export const SCOPE_VERSION = 'otel.scope.version'
export const SPAN_KIND = 'span.kind'
export const STATUS_CODE = 'otel.status_code'
export const STATUS_DESCRIPTION = 'otel.status_description'
export const ERROR = 'error'
export const TRACE_STATE = 'w3c.tracestate'
export const EVENT = 'event'
export const REF_TYPE = 'opentracing.ref_type'
/** Values of REF_TYPE. */
export const CHILD_OF_TEXT = 'child_of'
export const FOLLOWS_FROM_TEXT = 'follows_from'

/** By OTLP's kind; unspecified and unknown kinds have no tag. */
export const KIND_TEXTS = ['', 'internal', 'server', 'client', 'producer', 'consumer'] as const
