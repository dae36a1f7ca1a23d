import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addScope,
  compareLabels,
  LabelBuilder,
  readAttributes,
  targetLabels,
} from '../../../../core/formats/prometheus/labels.ts'
import { Resource } from '../../../../core/otlp/fields.ts'
import { messageType } from '../../../kit/proto.ts'

const attribute = (key: string, value: string) => ({ key, value })

// Scenario: attributes that become one label, in any order; then what the exporter says itself.
// Guarantees: values joined by ; in the order of their keys, the exporter's word alone under its name, sorted by name.
test('attributes become labels', () => {
  for (const order of [0, 1]) {
    const labels = new LabelBuilder(false)
    const both = [attribute('a.b', 'dot'), attribute('a_b', 'line'), attribute('a-b', 'dash')]
    labels.attributes(order === 0 ? both : both.reverse())
    labels.attributes([attribute('job', 'mine'), attribute('Z', 'z')])
    labels.set('job', 'theirs')
    assert.equal(labels.problem, undefined)
    assert.deepEqual(labels.build(), [
      ['Z', 'z'],
      ['a_b', 'dash;dot;line'],
      ['job', 'theirs'],
    ])
  }
})

// Scenario: UTF-8 names; keys of which no label can be made.
// Guarantees: names stay as they are and apart; the first bad key is told.
test('keys that are kept and keys that cannot be', () => {
  const labels = new LabelBuilder(true)
  labels.attributes([attribute('a.b', '1'), attribute('a_b', '2'), attribute('__x', '3'), attribute('', '4')])
  assert.equal(labels.problem, '')
  assert.deepEqual(labels.build(), [
    ['a.b', '1'],
    ['a_b', '2'],
  ])
})

// Scenario: a scope with attributes, some under names that are taken.
// Guarantees: the three labels always, empty too; an attribute cannot take their place.
test('scope labels', () => {
  const labels = new LabelBuilder(false)
  const attributes = [attribute('name', 'x'), attribute('schema_url', 'x'), attribute('team.id', '7')]
  addScope(labels, { name: 'lib', version: '', schemaUrl: '', attributes })
  assert.deepEqual(labels.build(), [
    ['otel_scope_name', 'lib'],
    ['otel_scope_schema_url', ''],
    ['otel_scope_team_id', '7'],
    ['otel_scope_version', ''],
  ])
})

// Scenario: resources with and without what identifies them.
// Guarantees: target_info only with job and instance, the namespace in the job, identity not said twice.
test('target_info', () => {
  const name = attribute('service.name', 'shop')
  const id = attribute('service.instance.id', 'i')
  assert.equal(targetLabels([name], false), undefined)
  assert.equal(targetLabels([id], false), undefined)
  assert.equal(targetLabels([name, attribute('service.instance.id', '')], false), undefined)
  assert.deepEqual(targetLabels([attribute('host.name', 'h'), name, id], false), [
    ['host_name', 'h'],
    ['instance', 'i'],
    ['job', 'shop'],
  ])
  assert.deepEqual(targetLabels([name, id, attribute('service.namespace', 'web')], true), [
    ['instance', 'i'],
    ['job', 'web/shop'],
  ])
})

// Scenario: an encoded resource with values of every type and a key that comes twice.
// Guarantees: the first of equal keys, and the Collector's AsString of each value.
test('attributes are read from bytes', () => {
  const Message = messageType('opentelemetry.proto.resource.v1.Resource')
  const message = Message.fromObject({
    attributes: [
      { key: 'a', value: { stringValue: '1' } },
      { key: 'a', value: { stringValue: '2' } },
      { key: 'i', value: { intValue: '9007199254740993' } },
      { key: 'l', value: { arrayValue: { values: [{ boolValue: true }] } } },
      { key: 'n' },
    ],
  })
  const bytes = Message.encode(message).finish()
  assert.deepEqual(readAttributes(bytes, 0, bytes.length, Resource.attributes), [
    attribute('a', '1'),
    attribute('i', '9007199254740993'),
    attribute('l', '[true]'),
    attribute('n', ''),
  ])
})

// Scenario: sets of labels in the order of a page.
// Guarantees: fewer labels first, then by value.
test('label sets are ordered', () => {
  const sets = [
    [['b', '1']],
    [['a', '2']],
    [
      ['a', '1'],
      ['b', '0'],
    ],
    [],
  ] as const
  assert.deepEqual([...sets].sort(compareLabels), [
    [],
    [['b', '1']],
    [['a', '2']],
    [
      ['a', '1'],
      ['b', '0'],
    ],
  ])
})
