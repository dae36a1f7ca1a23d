import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPage } from '../../../../kit/read-page.ts'

// Scenario: the same text under several content types.
// Guarantees: the type decides, in any case and with parameters; one that says nothing is the fallback.
test('the content type says which format it is', () => {
  const page = 'a 1\n# EOF\n'
  for (const type of [
    'application/openmetrics-text',
    'Application/OpenMetrics-Text ; version=1.0.0',
    'text/plain',
  ])
    assert.deepEqual(readPage(page, type), ['a{} 1'])
  for (const type of ['', 'text/html', 'application/json']) {
    assert.deepEqual(readPage('a 1', type), ['a{} 1'])
    assert.throws(() => readPage('a 1', type, { fallback: 'OpenMetricsText1.0.0' }), /# EOF/)
  }
  assert.throws(() => readPage(page, 'application/vnd.google.protobuf'), { name: 'BadPage' })
})
