/** Span formats beside the Collector's own translators, called directly. `SLUICE_CAPTURE=1` writes the captured cases. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CAPTURED } from '../core/formats/captured.ts'
import { questions } from '../core/formats/cases.ts'
import { compare } from '../core/formats/comparison.ts'
import { need } from '../services/cache.ts'
import { OPERATIONS, type Question, translate, translatorProgram } from '../services/translator.ts'

const SEEDS = 400

/** And what the Collector wrote in Jaeger's JSON, read back. */
function withJaegerJson(program: string, asked: readonly Question[]): Question[] {
  const texts = asked.filter(one => one.operation === 'to_jaeger_json')
  const written = translate(program, texts).flatMap(answer => answer.records ?? [])
  return [
    ...asked,
    ...written.map(({ value }) => ({
      operation: 'from_jaeger_json' as const,
      message: Buffer.from(value, 'base64'),
    })),
  ]
}

// Scenario: requests captured from SDKs and generated ones with every field, and generated messages of all formats, are
// given to the Collector's translators and to ours.
// Guarantees: both encode and decode the same, field by field, 64-bit values exactly.
test('span formats are translated as by the Collector', { timeout: 600_000 }, async t => {
  const program = await need(t, 'the translator', translatorProgram)
  if (program === undefined) return
  const asked = withJaegerJson(program, questions(SEEDS))
  const answers = translate(program, asked)
  assert.deepEqual(new Set(asked.map(one => one.operation)), new Set(OPERATIONS))
  for (const [i, question] of asked.entries()) {
    try {
      compare(question, answers[i]!)
    } catch (cause) {
      const message = Buffer.from(question.message).toString('base64').slice(0, 4000)
      throw new Error(`${question.operation} ${message}`, { cause })
    }
  }
  t.diagnostic(`${asked.length} messages`)
  if (process.env['SLUICE_CAPTURE'] === undefined) return
  const few = withJaegerJson(program, questions(25)).filter(one => one.message.length < 20_000)
  const cases = translate(program, few).map((answer, i) => ({
    operation: few[i]!.operation,
    message: Buffer.from(few[i]!.message).toString('base64'),
    answer,
  }))
  writeFileSync(CAPTURED, gzipSync(JSON.stringify(cases), { level: 9 }))
})
