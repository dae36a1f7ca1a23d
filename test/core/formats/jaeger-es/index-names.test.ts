import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatDate,
  IndexNames,
  layoutProblem,
  type Rotation,
} from '../../../../core/formats/jaeger-es/index-names.ts'

const AT = Date.UTC(2026, 10, 26, 9, 5)
const HOUR = 3_600_000

function names(prefix: string, rotation: Rotation, layout = '2006-01-02'): string[] {
  return (['span', 'service'] as const).map(
    kind => new IndexNames(kind, { prefix, rotation, layout }).at(AT).name,
  )
}

// Scenario: every rotation, prefixes with and without the separator at their end, by day and by hour.
// Guarantees: the names that Jaeger writes to.
test('indices have the names of Jaeger', () => {
  assert.deepEqual(names('', 'periodic'), ['jaeger-span-2026-11-26', 'jaeger-service-2026-11-26'])
  assert.deepEqual(names('prod', 'periodic', '2006-01-02-15'), [
    'prod-jaeger-span-2026-11-26-09',
    'prod-jaeger-service-2026-11-26-09',
  ])
  assert.deepEqual(names('prod-', 'manual_rollover'), ['prod-jaeger-span-write', 'prod-jaeger-service-write'])
  assert.deepEqual(names('prod', 'auto_rollover'), ['prod-jaeger-span-write', 'prod-jaeger-service-write'])
  assert.deepEqual(names('prod', 'data_stream'), ['prod.jaeger.spans', 'prod.jaeger.services'])
  assert.deepEqual(names('', 'data_stream'), ['jaeger.spans', 'jaeger.services'])
})

// Scenario: times around a change of the hour and of the day, forwards and backwards, and more periods than are kept.
// Guarantees: the name is that of the document's own time, whatever was asked before.
test('names follow the time of the document', () => {
  const hourly = new IndexNames('span', { prefix: '', rotation: 'periodic', layout: '2006.01.02.15' })
  const daily = new IndexNames('span', { prefix: '', rotation: 'periodic', layout: '20060102' })
  assert.equal(daily.at(Date.UTC(2026, 11, 31, 23, 59, 59, 999)).name, 'jaeger-span-20261231')
  assert.equal(daily.at(Date.UTC(2027, 0, 1)).name, 'jaeger-span-20270101')
  assert.equal(daily.at(0).name, 'jaeger-span-19700101')
  for (let i = 0; i < 200; i++) {
    const at = AT + ((i * 37) % 100) * HOUR
    assert.equal(hourly.at(at).name, `jaeger-span-${formatDate('2006.01.02.15', at)}`)
  }
})

// Scenario: an index and a data stream are written to, with ids and without.
// Guarantees: the action lines of a bulk request; a stream is only added to.
test('action lines', () => {
  const index = new IndexNames('span', { prefix: '', rotation: 'periodic', layout: '2006' }).at(AT)
  assert.equal(String(index.action), '{"index":{"_index":"jaeger-span-2026"}}\n')
  assert.equal(`${index.actionBeforeId}x"}}`, '{"index":{"_index":"jaeger-span-2026","_id":"x"}}')
  const stream = new IndexNames('span', { prefix: '', rotation: 'data_stream', layout: '' }).at(AT)
  assert.equal(String(stream.action), '{"create":{"_index":"jaeger.spans"}}\n')
})

// Scenario: layouts of Go that can be had here, and some that cannot.
// Guarantees: nobody gets an index named Jan or 2.
test('layouts that are not understood are told', () => {
  for (const good of ['', '2006-01-02', '2006.01.02.15', '060102', '2006_01'])
    assert.equal(layoutProblem(good), undefined)
  for (const bad of ['Jan 2', '2006-1-2', 'YYYY-MM-DD', '2006/01/02']) assert.ok(layoutProblem(bad), bad)
})
