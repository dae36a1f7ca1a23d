/**
 * One request of each signal that uses every field the debug exporter prints. `expected/` has what the Collector
 * 0.155.0's debug exporter printed for them, and for some of the golden requests.
 */

import type { Signal } from '../../../core/otlp/signals.ts'
import { encodeRequest } from '../../kit/proto.ts'

const TRACE_ID = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')
const SPAN_ID = Buffer.from('b7ad6b7169203331', 'hex')

const resource = {
  attributes: [
    { key: 'service.name', value: { stringValue: 'shop' } },
    { key: 'process.pid', value: { intValue: '-42' } },
    { key: 'ratio', value: { doubleValue: 1e-7 } },
    { key: 'canary', value: { boolValue: true } },
    { key: 'raw', value: { bytesValue: Buffer.from([0xfb, 0xff]) } },
    { key: 'nothing', value: {} },
    {
      key: 'list',
      value: { arrayValue: { values: [{ stringValue: 'a<b' }, { intValue: '9007199254740993' }, {}] } },
    },
    {
      key: 'map',
      value: {
        kvlistValue: {
          values: [
            { key: 'z', value: { doubleValue: 0.5 } },
            { key: 'a', value: { stringValue: 'é "x"' } },
          ],
        },
      },
    },
  ],
  entityRefs: [
    { type: 'service', schemaUrl: 'https://s', idKeys: ['service.name'], descriptionKeys: ['process.pid'] },
    { type: 'host' },
  ],
}
const scope = {
  name: 'lib',
  version: '1.2',
  attributes: [{ key: 'scope', value: { stringValue: 'attribute' } }],
}
const attributes = [{ key: 'http.route', value: { stringValue: '/x' } }]
const times = { startTimeUnixNano: '1700000000000000000', timeUnixNano: '1700000060123450000' }
const exemplars = [
  { timeUnixNano: '1', asInt: '7', traceId: TRACE_ID, spanId: SPAN_ID, filteredAttributes: attributes },
  { asDouble: 2.5 },
]

const traces = {
  resourceSpans: [
    {
      resource,
      schemaUrl: 'https://resource',
      scopeSpans: [
        {
          scope,
          schemaUrl: 'https://scope',
          spans: [
            {
              traceId: TRACE_ID,
              spanId: SPAN_ID,
              parentSpanId: SPAN_ID,
              traceState: 'ot=th:8',
              name: 'GET /x',
              kind: 2,
              startTimeUnixNano: '1700000000123456789',
              endTimeUnixNano: '1700000001500000000',
              status: { code: 2, message: 'boom' },
              droppedAttributesCount: 1,
              droppedEventsCount: 2,
              droppedLinksCount: 3,
              attributes,
              events: [
                { name: 'exception', timeUnixNano: '5', attributes, droppedAttributesCount: 4 },
                { name: 'e2' },
              ],
              links: [{ traceId: TRACE_ID, spanId: SPAN_ID, traceState: 'a=b', attributes }, {}],
            },
            { traceId: Buffer.alloc(16), name: 'empty', startTimeUnixNano: '18446744073709551615' },
          ],
        },
      ],
    },
    { scopeSpans: [{ scope: { version: '2' } }] },
  ],
}

const logs = {
  resourceLogs: [
    {
      resource,
      scopeLogs: [
        {
          scope,
          schemaUrl: 'https://scope',
          logRecords: [
            {
              timeUnixNano: '1700000000123456789',
              observedTimeUnixNano: '1700000000123456790',
              severityNumber: 11,
              severityText: 'INFO',
              eventName: 'login',
              body: { stringValue: 'two\nlines' },
              attributes,
              flags: 257,
              traceId: TRACE_ID,
              spanId: SPAN_ID,
            },
            { severityNumber: 24 },
            { body: resource.attributes[7]!.value },
          ],
        },
      ],
    },
  ],
}

const metrics = {
  resourceMetrics: [
    {
      resource,
      schemaUrl: 'https://resource',
      scopeMetrics: [
        {
          scope: { name: 'lib' },
          metrics: [
            { name: 'empty', description: 'd', unit: '1', metadata: attributes },
            {
              name: 'g',
              gauge: { dataPoints: [{ ...times, attributes, asDouble: 12345678.5, exemplars }, {}] },
            },
            {
              name: 's',
              unit: 'By',
              sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [{ ...times, asInt: '-3' }] },
            },
            {
              name: 'h',
              histogram: {
                aggregationTemporality: 1,
                dataPoints: [
                  {
                    ...times,
                    attributes,
                    count: '6',
                    sum: 0.1,
                    min: -1,
                    max: 1e21,
                    explicitBounds: [0, 2.5],
                    bucketCounts: ['1', '2', '3'],
                    exemplars,
                  },
                  { count: '1' },
                ],
              },
            },
            {
              name: 'e',
              exponentialHistogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    ...times,
                    count: '9',
                    sum: 8,
                    scale: 0,
                    zeroCount: '1',
                    positive: { offset: 1, bucketCounts: ['1', '2'] },
                    negative: { offset: -1, bucketCounts: ['4', '0'] },
                  },
                ],
              },
            },
            {
              name: 'q',
              summary: {
                dataPoints: [
                  { ...times, count: '2', sum: 3, quantileValues: [{ quantile: 0.99, value: 7 }, {}] },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
}

/** File name in `expected/` and the request. */
export const HAND_MADE: readonly (readonly [name: string, signal: Signal, request: Uint8Array])[] = [
  ['traces', 'traces', encodeRequest('traces', traces)],
  ['logs', 'logs', encodeRequest('logs', logs)],
  ['metrics', 'metrics', encodeRequest('metrics', metrics)],
]

/** Golden requests with a text in `expected/`. */
export const GOLDEN: readonly string[] = [
  'python/traces-grpc-001',
  'python/logs-grpc-001',
  'java/metrics-grpc-001',
  'java/traces-grpc-001',
]
