/** What goes through untouched: every door, both forms of files, connectors, and every field of OTLP. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestToJsonBytes } from '../../core/otlp/json.ts'
import { SIGNAL_WORDS } from '../../core/otlp/signals.ts'
import { normalize } from '../kit/normalize.ts'
import { encodeRequest } from '../kit/proto.ts'
import { Comparison } from './comparison.ts'
import { askGrpc, askHttp, framed, post } from './exchange.ts'
import { protoFile, readJsonLines, readProto, saying } from './outputs.ts'
import { type Side, startPair } from './pair.ts'
import { generated, golden, random, type TestRequest } from './requests.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const each = (line: (signal: string) => string): string => SIGNALS.map(line).join('\n')

const CONFIG = `
receivers: {otlp: {protocols: {grpc: {endpoint: "@grpc@"}, http: {endpoint: "@http@"}}}}
processors:
  attributes: {actions: [{key: a, action: delete}]}
connectors: {forward: , forward/2: }
exporters:
${each(
  signal => `  file/${signal}: ${protoFile(signal)}
  file/${signal}-json: {path: "@folder@/${signal}.jsonl", flush_interval: 50ms}
  file/${signal}-forwarded: ${protoFile(`${signal}-forwarded`)}
  file/${signal}-edited: ${protoFile(`${signal}-edited`)}`,
)}
service:
  pipelines:
${each(
  signal => `    ${signal}: {receivers: [otlp], exporters: [file/${signal}, file/${signal}-json, forward]}
    ${signal}/forwarded: {receivers: [forward], exporters: [file/${signal}-forwarded, forward/2]}
    ${signal}/edited: {receivers: [forward/2], processors: [attributes], exporters: [file/${signal}-edited]}`,
)}
`

type Send = (side: Side, request: TestRequest) => Promise<number | undefined>

const DOORS: Readonly<Record<string, Send>> = {
  'HTTP, protobuf': async (side, { signal, bytes }) =>
    (await post(side.address('http'), signal, bytes)).status,
  'HTTP, JSON': async (side, { signal, bytes }) => {
    const headers = { 'content-type': 'application/json' }
    const body = requestToJsonBytes(bytes, signal)
    return (await askHttp(side.address('http'), { path: SIGNAL_WORDS[signal].path, headers, body })).status
  },
  gRPC: async (side, { signal, bytes }) =>
    (await askGrpc(side.address('grpc'), framed(bytes), {}, SIGNAL_WORDS[signal].method)).status,
}

/** What is evened out elsewhere: see `saying`. */
const SPECIAL: readonly TestRequest[] = [
  {
    name: 'negative zero',
    signal: 'metrics',
    bytes: encodeRequest('metrics', {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: 'm', summary: { dataPoints: [{ sum: -0, count: '1' }] } }] }] },
      ],
    }),
  },
  {
    name: 'order after a delete',
    signal: 'traces',
    bytes: encodeRequest('traces', {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                { name: 's', attributes: ['a', 'b', 'c'].map(key => ({ key, value: { intValue: '1' } })) },
              ],
            },
          ],
        },
      ],
    }),
  },
]

// Scenario: real, generated and random requests enter by each door and leave into files of both forms, over connectors too.
// Guarantees: both write the same, request by request, and so does what is behind connectors.
test('passing', { timeout: 120_000 }, async t => {
  const pair = await startPair(t, CONFIG)
  if (pair === undefined) return
  const requests = [...golden(), ...generated(12, 20), ...random(12, 20)]
  const sent = Object.entries(DOORS).flatMap(([door, send]) =>
    requests.map(request => ({ door, send, request })),
  )
  for (const request of SPECIAL) sent.push({ door: 'special', send: DOORS['gRPC']!, request })
  const statuses = await pair.both(async side => {
    const got: (number | undefined)[] = []
    for (const { send, request } of sent) got.push(await send(side, request))
    return got
  })
  await pair.stop()
  assert.deepEqual(statuses[0], statuses[1])
  const comparison = new Comparison('passing')
  for (const signal of SIGNALS) {
    const own = sent.filter(({ request }) => request.signal === signal)
    for (const [file, read] of [
      ['', (side: Side) => readProto(side, signal)],
      [', JSON', (side: Side) => readJsonLines(side, `${signal}.jsonl`, signal)],
      [', forwarded', (side: Side) => readProto(side, `${signal}-forwarded`)],
      [', edited', (side: Side) => readProto(side, `${signal}-edited`)],
    ] as const) {
      await t.test(`${signal}${file}`, () => {
        const [ours, theirs] = pair.sides.map(side => {
          const written = read(side)
          assert.equal(written.length, own.length, `${side.name}: one entry for each request`)
          return own.map(({ door }, i) =>
            door === 'special' ? normalize(signal, written[i]!) : saying(signal, [written[i]!])[0],
          )
        })
        for (const [i, { door, request }] of own.entries())
          comparison.same(
            `${request.name}, ${door}`,
            { [`${signal}${file}`]: ours![i] },
            { [`${signal}${file}`]: theirs![i] },
          )
      })
    }
  }
  comparison.end()
})
