import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consoleLine } from '../../../core/telemetry/log-console.ts'

const line = (fields: Record<string, unknown>, colour = false) =>
  consoleLine(JSON.stringify({ level: 'info', ts: '2026-01-02T03:04:05.678Z', ...fields }), colour)

// Scenario: a line of a component with simple and odd field values.
// Guarantees: time, level, component, message, key=value; quoted only where needed; the resource is left out.
test('a line is readable', () => {
  assert.equal(
    line({
      resource: { a: 'b' },
      'otelcol.component.kind': 'receiver',
      'otelcol.component.id': 'otlp',
      endpoint: '127.0.0.1:4317',
      why: 'two words',
      n: 5,
      msg: 'Listening',
    }),
    '2026-01-02T03:04:05.678Z info  receiver/otlp: Listening endpoint=127.0.0.1:4317 why="two words" n=5\n',
  )
})

// Scenario: a message and a field with newlines and terminal escapes from outside.
// Guarantees: nothing in them can look like a line of its own or steer a terminal.
test('text from outside cannot forge lines', () => {
  const text = line({ msg: 'bad\n2026-01-02T03:04:05.678Z error fake', field: 'a\nb\u001b[2J' })
  const [, second, ...rest] = text.trimEnd().split('\n')
  assert.equal(second!.startsWith('  2026'), true)
  assert.deepEqual(rest, [])
  assert.equal(text.includes('\u001b'), false)
})

// Scenario: a terminal.
// Guarantees: colours there, none elsewhere.
test('colour is for terminals', () => {
  assert.equal(line({ level: 'error', msg: 'x' }, true).includes('\u001b[31merror'), true)
  assert.equal(line({ level: 'error', msg: 'x' }).includes('\u001b'), false)
})
