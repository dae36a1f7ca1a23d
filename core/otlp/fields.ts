/**
 * Field numbers and enum values of OTLP. Generated from test/proto by tools/generate-fields.ts; do not edit.
 */

export const ExportTraceServiceRequest = {
  resourceSpans: 1,
} as const

export const ExportMetricsServiceRequest = {
  resourceMetrics: 1,
} as const

export const ExportLogsServiceRequest = {
  resourceLogs: 1,
} as const

export const TracesData = {
  resourceSpans: 1,
} as const

export const ResourceSpans = {
  resource: 1,
  scopeSpans: 2,
  schemaUrl: 3,
} as const

export const ScopeSpans = {
  scope: 1,
  spans: 2,
  schemaUrl: 3,
} as const

export const Span = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  parentSpanId: 4,
  flags: 16,
  name: 5,
  kind: 6,
  startTimeUnixNano: 7,
  endTimeUnixNano: 8,
  attributes: 9,
  droppedAttributesCount: 10,
  events: 11,
  droppedEventsCount: 12,
  links: 13,
  droppedLinksCount: 14,
  status: 15,
} as const

export const SpanSpanKind = {
  SPAN_KIND_UNSPECIFIED: 0,
  SPAN_KIND_INTERNAL: 1,
  SPAN_KIND_SERVER: 2,
  SPAN_KIND_CLIENT: 3,
  SPAN_KIND_PRODUCER: 4,
  SPAN_KIND_CONSUMER: 5,
} as const

export const SpanEvent = {
  timeUnixNano: 1,
  name: 2,
  attributes: 3,
  droppedAttributesCount: 4,
} as const

export const SpanLink = {
  traceId: 1,
  spanId: 2,
  traceState: 3,
  attributes: 4,
  droppedAttributesCount: 5,
  flags: 6,
} as const

export const Status = {
  message: 2,
  code: 3,
} as const

export const StatusStatusCode = {
  STATUS_CODE_UNSET: 0,
  STATUS_CODE_OK: 1,
  STATUS_CODE_ERROR: 2,
} as const

export const SpanFlags = {
  SPAN_FLAGS_DO_NOT_USE: 0,
  SPAN_FLAGS_TRACE_FLAGS_MASK: 255,
  SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK: 256,
  SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK: 512,
} as const

export const AnyValue = {
  stringValue: 1,
  boolValue: 2,
  intValue: 3,
  doubleValue: 4,
  arrayValue: 5,
  kvlistValue: 6,
  bytesValue: 7,
  stringValueStrindex: 8,
} as const

export const ArrayValue = {
  values: 1,
} as const

export const KeyValueList = {
  values: 1,
} as const

export const KeyValue = {
  key: 1,
  value: 2,
  keyStrindex: 3,
} as const

export const InstrumentationScope = {
  name: 1,
  version: 2,
  attributes: 3,
  droppedAttributesCount: 4,
} as const

export const EntityRef = {
  schemaUrl: 1,
  type: 2,
  idKeys: 3,
  descriptionKeys: 4,
} as const

export const Resource = {
  attributes: 1,
  droppedAttributesCount: 2,
  entityRefs: 3,
} as const

export const MetricsData = {
  resourceMetrics: 1,
} as const

export const ResourceMetrics = {
  resource: 1,
  scopeMetrics: 2,
  schemaUrl: 3,
} as const

export const ScopeMetrics = {
  scope: 1,
  metrics: 2,
  schemaUrl: 3,
} as const

export const Metric = {
  name: 1,
  description: 2,
  unit: 3,
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponentialHistogram: 10,
  summary: 11,
  metadata: 12,
} as const

export const Gauge = {
  dataPoints: 1,
} as const

export const Sum = {
  dataPoints: 1,
  aggregationTemporality: 2,
  isMonotonic: 3,
} as const

export const Histogram = {
  dataPoints: 1,
  aggregationTemporality: 2,
} as const

export const ExponentialHistogram = {
  dataPoints: 1,
  aggregationTemporality: 2,
} as const

export const Summary = {
  dataPoints: 1,
} as const

export const AggregationTemporality = {
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
} as const

export const DataPointFlags = {
  DATA_POINT_FLAGS_DO_NOT_USE: 0,
  DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK: 1,
} as const

export const NumberDataPoint = {
  attributes: 7,
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  asDouble: 4,
  asInt: 6,
  exemplars: 5,
  flags: 8,
} as const

export const HistogramDataPoint = {
  attributes: 9,
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  bucketCounts: 6,
  explicitBounds: 7,
  exemplars: 8,
  flags: 10,
  min: 11,
  max: 12,
} as const

export const ExponentialHistogramDataPoint = {
  attributes: 1,
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  scale: 6,
  zeroCount: 7,
  positive: 8,
  negative: 9,
  flags: 10,
  exemplars: 11,
  min: 12,
  max: 13,
  zeroThreshold: 14,
} as const

export const ExponentialHistogramDataPointBuckets = {
  offset: 1,
  bucketCounts: 2,
} as const

export const SummaryDataPoint = {
  attributes: 7,
  startTimeUnixNano: 2,
  timeUnixNano: 3,
  count: 4,
  sum: 5,
  quantileValues: 6,
  flags: 8,
} as const

export const SummaryDataPointValueAtQuantile = {
  quantile: 1,
  value: 2,
} as const

export const Exemplar = {
  filteredAttributes: 7,
  timeUnixNano: 2,
  asDouble: 3,
  asInt: 6,
  spanId: 4,
  traceId: 5,
} as const

export const LogsData = {
  resourceLogs: 1,
} as const

export const ResourceLogs = {
  resource: 1,
  scopeLogs: 2,
  schemaUrl: 3,
} as const

export const ScopeLogs = {
  scope: 1,
  logRecords: 2,
  schemaUrl: 3,
} as const

export const SeverityNumber = {
  SEVERITY_NUMBER_UNSPECIFIED: 0,
  SEVERITY_NUMBER_TRACE: 1,
  SEVERITY_NUMBER_TRACE2: 2,
  SEVERITY_NUMBER_TRACE3: 3,
  SEVERITY_NUMBER_TRACE4: 4,
  SEVERITY_NUMBER_DEBUG: 5,
  SEVERITY_NUMBER_DEBUG2: 6,
  SEVERITY_NUMBER_DEBUG3: 7,
  SEVERITY_NUMBER_DEBUG4: 8,
  SEVERITY_NUMBER_INFO: 9,
  SEVERITY_NUMBER_INFO2: 10,
  SEVERITY_NUMBER_INFO3: 11,
  SEVERITY_NUMBER_INFO4: 12,
  SEVERITY_NUMBER_WARN: 13,
  SEVERITY_NUMBER_WARN2: 14,
  SEVERITY_NUMBER_WARN3: 15,
  SEVERITY_NUMBER_WARN4: 16,
  SEVERITY_NUMBER_ERROR: 17,
  SEVERITY_NUMBER_ERROR2: 18,
  SEVERITY_NUMBER_ERROR3: 19,
  SEVERITY_NUMBER_ERROR4: 20,
  SEVERITY_NUMBER_FATAL: 21,
  SEVERITY_NUMBER_FATAL2: 22,
  SEVERITY_NUMBER_FATAL3: 23,
  SEVERITY_NUMBER_FATAL4: 24,
} as const

export const LogRecordFlags = {
  LOG_RECORD_FLAGS_DO_NOT_USE: 0,
  LOG_RECORD_FLAGS_TRACE_FLAGS_MASK: 255,
} as const

export const LogRecord = {
  timeUnixNano: 1,
  observedTimeUnixNano: 11,
  severityNumber: 2,
  severityText: 3,
  body: 5,
  attributes: 6,
  droppedAttributesCount: 7,
  flags: 8,
  traceId: 9,
  spanId: 10,
  eventName: 12,
} as const
