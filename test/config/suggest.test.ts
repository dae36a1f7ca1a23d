import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, editDistance, nearest } from '../../config/suggest.ts'

// Scenario: pairs of words with every kind of edit between them.
// Guarantees: a swap of neighbours counts once; counting stops where it stops mattering.
test('distance between words', () => {
  const pairs: [string, string, number][] = [
    ['batch', 'batch', 0],
    ['batch', 'bacth', 1],
    ['batch', 'batc', 1],
    ['batch', 'xbatch', 1],
    ['batch', 'bitch', 1],
    ['', 'abc', 3],
    ['abcdefgh', 'x', 5],
  ]
  for (const [a, b, cost] of pairs) assert.equal(editDistance(a, b), cost, `${a} ${b}`)
})

// Scenario: typos, other spellings, and words that are nothing like what is known.
// Guarantees: only what is near is suggested; else a short list says what there is.
test('what was meant', () => {
  const known = ['otlp_grpc', 'otlp_http', 'debug']
  assert.equal(nearest('otlpgrpc', known), 'otlp_grpc')
  assert.equal(nearest('OTLP-HTTP', known), 'otlp_http')
  assert.equal(nearest('dbug', known), 'debug')
  assert.equal(nearest('kafka', known), undefined)
  assert.equal(didYouMean('dbug', known), 'did you mean "debug"?')
  assert.equal(didYouMean('kafka', known), 'known here: debug, otlp_grpc, otlp_http')
  assert.equal(didYouMean('x', []), '')
})
