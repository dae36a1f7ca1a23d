/** One span, one log record and one metric with everything in them, of a made-up shop. */

type Plain = string | number | boolean | object

/** Whole numbers as ints, others as doubles; an object is an AnyValue already. */
export function attributes(values: Readonly<Record<string, Plain>>): object[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }))
}

export function anyValue(value: Plain): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return value
}

export const map = (values: Readonly<Record<string, Plain>>): object => ({
  kvlistValue: { values: attributes(values) },
})
export const array = (...values: Plain[]): object => ({ arrayValue: { values: values.map(anyValue) } })

export const RESOURCE = {
  attributes: attributes({
    'service.name': 'till',
    'service.instance.id': 'till-7',
    'deployment.environment.name': 'test',
    'host.name': 'box',
    'host.arch': 'arm64',
    'os.type': 'darwin',
    'k8s.pod.name': 'till-pod',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'rust',
    'telemetry.sdk.version': '0.30.1',
  }),
  droppedAttributesCount: 2,
}

export const SCOPE = { name: 'shop.lib', version: '3.1', attributes: attributes({ 'lib.kind': 'core' }) }

/** 2025-03-04T05:06:07.000000089Z */
export const START = '1741064767000000089'

export const SPAN = {
  traceId: Buffer.alloc(16, 0xa1),
  spanId: Buffer.alloc(8, 0xb2),
  parentSpanId: Buffer.alloc(8, 0xc3),
  traceState: 'a=1',
  name: 'pay',
  kind: 3,
  startTimeUnixNano: START,
  endTimeUnixNano: '1741064767025000089',
  attributes: attributes({
    'http.request.method': 'POST',
    'http.response.body.size': 512,
    'db.system': 'mysql',
    'db.query.text': 'SELECT 1',
    ratio: 2.5,
    ok: true,
    basket: map({ size: 3, 'top.item': 'tea' }),
    tags: array('a', 1, map({ x: 1 })),
    raw: { bytesValue: Buffer.from([1, 255]) },
    nothing: {},
  }),
  droppedAttributesCount: 4,
  droppedEventsCount: 5,
  droppedLinksCount: 6,
  links: [
    {
      traceId: Buffer.alloc(16, 0xd4),
      spanId: Buffer.alloc(8, 0xe5),
      traceState: 'b=2',
      attributes: attributes({ why: 'retry' }),
      droppedAttributesCount: 1,
    },
  ],
  events: [
    {
      timeUnixNano: '1741064767010000000',
      name: 'charged',
      attributes: attributes({ amount: 9.75, 'event.name': 'other' }),
      droppedAttributesCount: 8,
    },
  ],
  status: { code: 2, message: 'card refused' },
}

export const LOG = {
  timeUnixNano: START,
  observedTimeUnixNano: '1741064768000000000',
  severityNumber: 17,
  severityText: 'ERROR',
  body: anyValue('card refused'),
  attributes: attributes({ 'exception.type': 'CardError', 'event.name': 'pay.failed', attempt: 2 }),
  droppedAttributesCount: 3,
  flags: 1,
  traceId: Buffer.alloc(16, 0xa1),
  spanId: Buffer.alloc(8, 0xb2),
}

export const spansOf = (...spans: object[]): Record<string, unknown> => ({
  resourceSpans: [
    {
      resource: RESOURCE,
      schemaUrl: 'https://schemas/1',
      scopeSpans: [{ scope: SCOPE, schemaUrl: 'https://schemas/2', spans }],
    },
  ],
})

export const logsOf = (...logRecords: object[]): Record<string, unknown> => ({
  resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ scope: SCOPE, logRecords }] }],
})

export const metricsOf = (...metrics: object[]): Record<string, unknown> => ({
  resourceMetrics: [
    {
      resource: { attributes: attributes({ 'service.name': 'till' }) },
      scopeMetrics: [{ scope: { name: 'shop.lib' }, metrics }],
    },
  ],
})
