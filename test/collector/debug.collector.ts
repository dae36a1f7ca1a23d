/** `debug`: the texts of every verbosity, and which batches are shown when sampling. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Comparison } from './comparison.ts'
import { post } from './exchange.ts'
import { type Side, startPair } from './pair.ts'
import { generated, golden, random } from './requests.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const

const OPTIONS: readonly string[] = [
  'verbosity: basic',
  'verbosity: normal',
  'verbosity: detailed',
  'verbosity: normal, sending_queue: {enabled: false}',
]

const cases = OPTIONS.flatMap(options => SIGNALS.map(signal => ({ signal, options })))
const lines = (format: (one: (typeof cases)[number], i: number) => string): string =>
  cases.map((one, i) => `  ${format(one, i)}`).join('\n')

const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "@http@"}}}}
exporters:
${lines(({ options }, i) => `debug/${i}: {${options}, use_internal_logger: false, output_paths: ["@folder@/${i}.txt"]}`)}
service:
  pipelines:
${lines(({ signal }, i) => `  ${signal}/${i}: {receivers: [otlp], exporters: [debug/${i}]}`)}
`

function printed(side: Side, i: number): string[] {
  const path = join(side.folder, `${i}.txt`)
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
}

/** Without numbers of scopes, and bounds of buckets with 12 digits: the differences that `exact` sees. */
function evened(line: string): string {
  return line
    .replace(/^(Scope\w+ #)\d+/, '$1')
    .replaceAll(/ le(-?[\d.e+-]+)=/g, (_, bound) => ` le${Number(bound).toPrecision(12)}=`)
}

// Scenario: real, generated and random requests are printed at every verbosity, of all signals.
// Guarantees: the same lines.
test('debug', { timeout: 120_000 }, async t => {
  const pair = await startPair(t, CONFIG)
  if (pair === undefined) return
  const requests = [...golden(), ...generated(10), ...random(10)]
  await pair.both(async side => {
    for (const { signal, bytes } of requests)
      assert.equal((await post(side.address('http'), signal, bytes)).status, 200)
  })
  await pair.stop()
  const comparison = new Comparison('debug')
  for (const [i, { signal, options }] of cases.entries()) {
    await t.test(`${signal} ${options}`, () => {
      const [ours, theirs] = pair.sides.map(side => {
        const exact = printed(side, i)
        return { lines: exact.map(evened), exact }
      })
      assert.ok(theirs!.lines.length > 10)
      comparison.same(`${signal} ${options}`, ours!, theirs!)
    })
  }
  comparison.end()
})
