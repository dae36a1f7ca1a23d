import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indexTemplate, type TemplateOptions } from '../../../../core/formats/jaeger-es/templates.ts'

const OPTIONS: TemplateOptions = {
  version: 8,
  isOpenSearch: false,
  prefix: 'prod',
  rotation: 'periodic',
  shards: 3,
  replicas: 2,
  priority: 7,
  policy: 'jaeger-ilm-policy',
}

type Body = Record<string, ReturnType<typeof JSON.parse>>

function template(
  kind: 'span' | 'service' | 'dependencies',
  changes: Partial<TemplateOptions> = {},
): { path: string; body: Body } {
  return indexTemplate(kind, { ...OPTIONS, ...changes })
}

// Scenario: templates for Elasticsearch 8 and 9, 7, and OpenSearch.
// Guarantees: composable ones with a priority from 8 on, legacy ones with Jaeger's wider pattern before.
test('the version decides on the kind of template', () => {
  const eight = template('span')
  assert.equal(eight.path, '/_index_template/prod-jaeger-span')
  assert.deepEqual(eight.body['index_patterns'], ['prod-jaeger-span-*'])
  assert.equal(eight.body['priority'], 7)
  assert.deepEqual(eight.body['template'].settings, {
    'index.number_of_shards': 3,
    'index.number_of_replicas': 2,
    'index.mapping.nested_fields.limit': 50,
    'index.requests.cache.enable': true,
  })
  assert.deepEqual(template('span', { version: 9 }), eight)
  const seven = template('service', { version: 7 })
  assert.equal(seven.path, '/_template/prod-jaeger-service')
  assert.deepEqual(seven.body['index_patterns'], ['*prod-jaeger-service-*'])
  assert.equal(seven.body['priority'], undefined)
  assert.deepEqual(Object.keys(seven.body['mappings'].properties), ['serviceName', 'operationName'])
})

// Scenario: rollover by Elasticsearch's policy, by OpenSearch's, by hand, and a data stream.
// Guarantees: aliases and settings that each of them needs, and no others.
test('the rotation decides on aliases and settings', () => {
  const auto = template('span', { rotation: 'auto_rollover' }).body['template']
  assert.deepEqual(auto.aliases, { 'prod-jaeger-span-read': {} })
  assert.equal(auto.settings['index.lifecycle.name'], 'jaeger-ilm-policy')
  assert.equal(auto.settings['index.lifecycle.rollover_alias'], 'prod-jaeger-span-write')
  const open = template('span', { rotation: 'auto_rollover', isOpenSearch: true, version: 7 }).body
  assert.equal(open['settings']['plugins.index_state_management.rollover_alias'], 'prod-jaeger-span-write')
  assert.equal(template('span', { rotation: 'manual_rollover' }).body['template'].aliases, undefined)
  const stream = template('span', { rotation: 'data_stream', version: 7 })
  assert.equal(stream.path, '/_index_template/prod.jaeger.spans')
  assert.deepEqual(stream.body['data_stream'], {})
  assert.deepEqual(stream.body['template'].mappings.properties['@timestamp'], { type: 'date' })
})

// Scenario: the template for dependencies.
// Guarantees: Jaeger's name, pattern and settings; what documents have in them is left to Elasticsearch, as there.
test('dependencies have a template without mappings', () => {
  const { path, body } = template('dependencies')
  assert.equal(path, '/_index_template/prod-jaeger-dependencies')
  assert.deepEqual(body['index_patterns'], ['prod-jaeger-dependencies-*'])
  assert.deepEqual(body['template'].mappings, { properties: {} })
  assert.equal(
    template('dependencies', { rotation: 'data_stream' }).path,
    '/_index_template/prod.jaeger.dependencies',
  )
})
