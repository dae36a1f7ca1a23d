import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseComponentId, parsePipelineId } from '../../gateway/ids.ts'

// Scenario: ids with and without name, with spaces, in other scripts, at the limits of length.
// Guarantees: the same are taken as by the Collector (component/identifiable.go).
test('ids of components', () => {
  assert.deepEqual(parseComponentId('otlp'), { id: 'otlp', type: 'otlp' })
  assert.deepEqual(parseComponentId(' otlp / a/b '), { id: 'otlp/a/b', type: 'otlp' })
  assert.deepEqual(parseComponentId('otlp/\u00fcber-1.2'), { id: 'otlp/\u00fcber-1.2', type: 'otlp' })
  assert.ok('id' in parseComponentId(`a/${'x'.repeat(1024)}`))
  for (const bad of [
    '',
    '/',
    'otlp/',
    '/a',
    'ot lp',
    '1a',
    'a-b',
    'a/b c',
    'a/$',
    'a/\u0001',
    'x'.repeat(64),
  ]) {
    assert.ok('wrong' in parseComponentId(bad), bad)
  }
  assert.ok('wrong' in parseComponentId(`a/${'x'.repeat(1025)}`))
})

// Scenario: the four signals, with a name, misspelt.
// Guarantees: a typo is answered with the signal that was meant.
test('ids of pipelines', () => {
  assert.deepEqual(parsePipelineId('traces/2'), { id: 'traces/2', signal: 'traces' })
  assert.deepEqual(parsePipelineId('profiles'), { id: 'profiles', signal: 'profiles' })
  assert.deepEqual(parsePipelineId('metric'), {
    wrong: '"metric" is not a signal',
    fix: 'did you mean "metrics"?',
  })
  assert.ok('wrong' in parsePipelineId('traces/'))
})
