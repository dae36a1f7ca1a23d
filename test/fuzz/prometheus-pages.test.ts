/**
 * Mutated pages of Prometheus metrics through the parsers and on into OTLP. Prints its seed; runs for
 * SLUICE_FUZZ_SECONDS (1 when unset); SLUICE_FUZZ_SEED begins with that input again.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ParseOptions, parserFor } from '../../core/formats/prometheus/parse/index.ts'
import { BadPage } from '../../core/formats/prometheus/parse/page.ts'
import { MetadataStore } from '../../core/formats/prometheus/scraped/metadata.ts'
import { Series } from '../../core/formats/prometheus/scraped/series.ts'
import { Transaction } from '../../core/formats/prometheus/scraped/transaction.ts'
import { validate } from '../../core/otlp/validate.ts'
import { CASES } from '../collector/prometheus-pages.ts'
import { mutate } from '../kit/mutate.ts'
import { Random } from '../kit/random.ts'

const FIRST_SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000)
const SECONDS = Number(process.env['SLUICE_FUZZ_SECONDS'] ?? 1)
const TARGET = { job: 'j', instance: 'i:1' }
const RULES = { trimSuffixes: true, version: '1', discovered: [] }

const corpus = Object.values(CASES)
  .flatMap(({ steps }) => steps)
  .map(({ body = '', type = 'text/plain' }) => ({ bytes: Buffer.from(body), type }))

/** The points that became of it. Throws BadPage, and must throw nothing else. */
async function take(bytes: Uint8Array, type: string, options: ParseOptions): Promise<number> {
  const metadata = new MetadataStore()
  const made = new Transaction(metadata, RULES)
  const parser = parserFor(bytes, type, options)
  for (let entry = parser.next(); entry !== undefined; entry = parser.next()) {
    if (entry === 'type') metadata.setType(parser.family, parser.type)
    else if (entry === 'help') metadata.setHelp(parser.family, parser.text)
    else if (entry === 'unit') metadata.setUnit(parser.family, parser.text)
    else if (entry !== 'nothing') {
      const labels = new Map(parser.labels())
      const series = Series.of(
        [...labels].sort(([a], [b]) => (a < b ? -1 : 1)),
        TARGET,
      )
      const millis = parser.millis ?? 1
      const { histogram } = parser
      const kept =
        histogram === undefined
          ? made.sample(series, millis, parser.value)
          : made.whole(series, millis, histogram.kind, histogram)
      if (kept) made.exemplars(series, histogram?.kind, parser.exemplars(), millis)
      if (kept && parser.started !== undefined) made.start(series, histogram?.kind, millis, parser.started)
    }
  }
  const { bytes: request, points } = await made.build()
  assert.equal(validate(request, 'metrics'), points)
  return points
}

// Scenario: pages of every format with flipped bits, cuts, splices and lying lengths, under every option.
// Guarantees: a page gives a valid request with as many points as are said, or throws BadPage with a place; never
// anything else, and it never hangs.
test(`fuzz pages for ${SECONDS} s from SLUICE_FUZZ_SEED=${FIRST_SEED}`, async () => {
  const until = performance.now() + SECONDS * 1000
  let accepted = 0
  let seed = FIRST_SEED
  for (; performance.now() < until || seed === FIRST_SEED; seed++) {
    const random = new Random(seed)
    const { bytes, type } = random.pick(corpus)
    const mutated = mutate(bytes, 'metrics', random.pick(corpus).bytes, random)
    const [native, classic, custom] = [0, 1, 2].map(() => random.below(2) === 1) as [
      boolean,
      boolean,
      boolean,
    ]
    try {
      await take(mutated, type, { native, classic, custom, fallback: 'PrometheusText0.0.4' })
      accepted++
    } catch (cause) {
      if (cause instanceof BadPage && cause.message.length > 10) continue
      const input = Buffer.from(mutated).toString('base64').slice(0, 4000)
      throw new Error(`SLUICE_FUZZ_SEED=${seed} ${type} base64 ${input}`, { cause })
    }
  }
  console.log(`${seed - FIRST_SEED} pages from seed ${FIRST_SEED}, ${accepted} accepted`)
})
