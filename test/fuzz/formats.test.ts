/**
 * Mutated messages of other formats through their decoders. Prints its seed; runs for SLUICE_FUZZ_SECONDS (1 when
 * unset); SLUICE_FUZZ_SEED begins with that input again.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadMessage } from '../../core/formats/bad-message.ts'
import { decodeJsonLog } from '../../core/formats/logs.ts'
import { validate } from '../../core/otlp/validate.ts'
import { capturedCases } from '../core/formats/captured.ts'
import { DECODERS, ENCODERS } from '../core/formats/comparison.ts'
import { mutate } from '../kit/mutate.ts'
import { Random } from '../kit/random.ts'

const FIRST_SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000)
const SECONDS = Number(process.env['SLUICE_FUZZ_SECONDS'] ?? 1)

const corpus = capturedCases()
  .filter(({ operation }) => operation.startsWith('from_'))
  .map(({ operation, message }) => ({ operation, bytes: Buffer.from(message, 'base64') }))

/** Whether the decoder took it; then its request must be one, and go into Jaeger's form and back. */
function decodes(operation: string, bytes: Uint8Array): boolean {
  let request: Uint8Array
  try {
    request = DECODERS[operation]!(bytes)
  } catch (error) {
    assert.ok(error instanceof BadMessage, String(error))
    return false
  }
  const items = validate(request, 'traces')
  for (const way of ['jaeger_proto', 'jaeger_json']) {
    const records = [...ENCODERS[`to_${way}`]!(request)]
    assert.equal(records.length, items)
    for (const { value } of records) assert.equal(validate(DECODERS[`from_${way}`]!(value), 'traces'), 1)
  }
  return true
}

function logDecodes(bytes: Uint8Array): void {
  try {
    validate(decodeJsonLog(bytes, 1n), 'logs')
  } catch (error) {
    assert.ok(error instanceof BadMessage, String(error))
  }
}

// Scenario: messages of every format with flipped bits, cuts, splices and lying lengths.
// Guarantees: a decoder gives a valid request or throws BadMessage, never anything else, and never hangs.
test(`fuzz decoders for ${SECONDS} s from SLUICE_FUZZ_SEED=${FIRST_SEED}`, () => {
  const until = performance.now() + SECONDS * 1000
  let accepted = 0
  let seed = FIRST_SEED
  for (; performance.now() < until || seed === FIRST_SEED; seed++) {
    const random = new Random(seed)
    const { operation, bytes } = random.pick(corpus)
    const mutated = mutate(bytes, 'traces', random.pick(corpus).bytes, random)
    try {
      if (decodes(operation, mutated)) accepted++
      logDecodes(mutated)
    } catch (cause) {
      const input = Buffer.from(mutated).toString('base64').slice(0, 4000)
      throw new Error(`SLUICE_FUZZ_SEED=${seed} ${operation} base64 ${input}`, { cause })
    }
  }
  console.log(`${seed - FIRST_SEED} inputs from seed ${FIRST_SEED}, ${accepted} accepted`)
})
