import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { generate } from '../../kit/generate.ts'
import { OPEN_METRICS, PROTOBUF, readProtoPage } from '../../kit/prometheus-page.ts'
import { started } from './kit.ts'

const NAME = '(?:[a-zA-Z_:][a-zA-Z0-9_:]*)'
const TEXT = '"(?:[^"\\\\\\n]|\\\\[\\\\n"])*"'
const PAIR = `(?:${NAME}|${TEXT})=${TEXT}`
const SET = `\\{(?:(?:${PAIR}|${TEXT})(?:,${PAIR})*)?\\}`
const NUMBER = '(?:NaN|[+-]Inf|-?[0-9][0-9.]*(?:e[+-][0-9]+)?)'
const SAMPLE = new RegExp(
  `^(?:${NAME}(?:${SET})?|${SET}) ${NUMBER}(?: ${NUMBER})?(?: # ${SET} ${NUMBER} ${NUMBER})?$`,
)
const COMMENT = new RegExp(`^# (?:(HELP|TYPE) (${NAME}|${TEXT}) .*|EOF)$`, 's')

/** Every line is of the format's grammar, no family is told of twice, no sample stands twice, no label in it. */
function checkText(page: string): void {
  const told = new Set<string>()
  const seen = new Set<string>()
  for (const line of page.split('\n').slice(0, -1)) {
    if (line.startsWith('#')) {
      const [, word, name] = COMMENT.exec(line) ?? assert.fail(line)
      if (word !== undefined) assert.ok(!told.has(`${word} ${name}`), line)
      told.add(`${word} ${name}`)
      continue
    }
    assert.match(line, SAMPLE)
    const series = new RegExp(`^(?:${NAME}(?:${SET})?|${SET})`).exec(line)![0]
    assert.ok(!seen.has(series), line)
    seen.add(series)
    const pairs = series.matchAll(new RegExp(`(${NAME}|${TEXT})=${TEXT}`, 'g'))
    const labels = [...pairs].map(([, label]) => label)
    assert.equal(new Set(labels).size, labels.length, line)
  }
}

const CONFIGS = [
  { enable_open_metrics: true, without_scope_info: false },
  { translation_strategy: 'NoTranslation', enable_open_metrics: true, send_timestamps: true },
  { resource_to_telemetry_conversion: { enabled: true }, namespace: 'a b', const_labels: { le: 'x' } },
]
const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values']

// Scenario: made-up metrics with extreme names, numbers, attributes and times go to exporters of several configs.
// Guarantees: every point is sent or has a reason; every page in every escaping can be read, with nothing twice.
for (const [i, config] of CONFIGS.entries()) {
  test(`any metrics give a page that can be read: ${JSON.stringify(config)}`, async t => {
    const { exporter, scrape } = await started(t, config)
    let shown = 0
    for (let seed = 0; seed < 60; seed++) {
      const { bytes } = generate('metrics', 7000 + 100 * i + seed, 40)
      const items = countItems(bytes, 'metrics')
      const { sent, rejected = [] } = await exporter.send(batchOf('metrics', [bytes], items), NO_CONTEXT)
      assert.equal(sent + rejected.reduce((sum, one) => sum + one.items, 0), items)
      shown += sent
    }
    assert.ok(shown > 100)
    for (const escaping of ESCAPINGS) {
      const text = await scrape({ accept: `text/plain;escaping=${escaping}` })
      assert.equal(text.status, 200)
      assert.ok(text.samples.length > 50)
      checkText(text.body)
      checkText((await scrape({ accept: `${OPEN_METRICS};escaping=${escaping}` })).body)
      const families = readProtoPage((await scrape({ accept: `${PROTOBUF};escaping=${escaping}` })).bytes)
      assert.equal(new Set(families.map(({ name }) => name)).size, families.length)
    }
  })
}
