/**
 * Many configs of a processor at once: one receiver feeds a pipeline for each, each with a file of its own, so that
 * every config sees every request and two processes do for all.
 */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { PipelineSignal } from '../kit/items.ts'
import { Comparison } from './comparison.ts'
import type { TableName } from './differences.ts'
import { post } from './exchange.ts'
import { protoFile, readProto, saying } from './outputs.ts'
import { type Pair, startPair } from './pair.ts'
import type { TestRequest } from './requests.ts'

export interface ProcessorCase {
  readonly type: string
  readonly signal: PipelineSignal
  /** The processor's section. */
  readonly yaml: string
}

/** Sends all requests, each with these headers, through all cases and compares what each made of them. */
export async function compareProcessors(
  t: TestContext,
  table: TableName,
  cases: readonly ProcessorCase[],
  requests: readonly TestRequest[],
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const pair = await startPair(t, fanOut(cases))
  if (pair === undefined) return
  const statuses = await sendAll(pair, requests, headers)
  await pair.stop()
  const comparison = new Comparison(table)
  for (const [i, one] of cases.entries()) {
    await t.test(`${one.signal} ${one.type} ${one.yaml}`, () => {
      const sent = requests.filter(({ signal }) => signal === one.signal)
      const [ours, theirs] = pair.sides.map(side => saying(one.signal, readProto(side, String(i))))
      // Where a request was dropped whole the files have fewer entries; names fit only when nothing was.
      const whole = ours!.length === sent.length && theirs!.length === sent.length
      const name = `${one.signal} ${one.yaml}`
      if (!whole) comparison.same(name, { requests: ours }, { requests: theirs })
      else
        for (const [r, { name: aspect }] of sent.entries())
          comparison.same(name, { [aspect]: ours![r] }, { [aspect]: theirs![r] })
    })
  }
  for (const [name, ours, theirs] of statuses) assert.equal(ours, theirs, `status of ${name}`)
  comparison.end()
}

function fanOut(cases: readonly ProcessorCase[]): string {
  const lines = (format: (one: ProcessorCase, i: number) => string): string =>
    cases.map((one, i) => `  ${format(one, i)}`).join('\n')
  return `
receivers: {otlp: {protocols: {http: {endpoint: "@http@", include_metadata: true}}}}
processors:
${lines(({ type, yaml }, i) => `${type}/${i}: ${yaml}`)}
exporters:
${lines((_, i) => `file/${i}: ${protoFile(String(i))}`)}
service:
  pipelines:
${lines(({ type, signal }, i) => `  ${signal}/${i}: {receivers: [otlp], processors: [${type}/${i}], exporters: [file/${i}]}`)}
`
}

/** One after the other, so that the files keep the order. Gives the statuses. */
async function sendAll(
  pair: Pair,
  requests: readonly TestRequest[],
  headers: Readonly<Record<string, string>>,
): Promise<[name: string, sluice: number, collector: number][]> {
  const statuses = await pair.both(async side => {
    const got: number[] = []
    for (const { signal, bytes } of requests)
      got.push((await post(side.address('http'), signal, bytes, headers)).status)
    return got
  })
  return requests.map(({ name }, i) => [name, statuses[0][i]!, statuses[1][i]!])
}
