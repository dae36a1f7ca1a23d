import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factory } from '../../processors/resource.ts'
import { goldenRequests } from '../kit/golden.ts'
import { mistakes, tryProcessor } from '../kit/processor.ts'
import { decodeRequest, encodeRequest } from '../kit/proto.ts'

// What actions do is tested with the processor `attributes`, which has the same.

// Scenario: a request of each signal with one resource, one without, and one that comes after its scopes.
// Guarantees: each has the new attribute, and nothing else changed.
test('resources of every signal get the attribute', async () => {
  const added = { key: 'deployment.environment', value: { stringValue: 'prod' } }
  for (const [signal, name] of [
    ['traces', 'resourceSpans'],
    ['metrics', 'resourceMetrics'],
    ['logs', 'resourceLogs'],
    ['profiles', 'resourceProfiles'],
  ] as const) {
    const known = { key: 'service.name', value: { stringValue: 'shop' } }
    const request = encodeRequest(signal, {
      [name]: [{ resource: { attributes: [known] }, schemaUrl: 'u' }, { schemaUrl: 'none' }],
    })
    const tried = tryProcessor(
      factory,
      '{attributes: [{key: deployment.environment, action: insert, value: prod}]}',
      signal,
    )
    assert.deepEqual(decodeRequest(signal, (await tried.send(request))!), {
      [name]: [
        { resource: { attributes: [known, added] }, schemaUrl: 'u' },
        { resource: { attributes: [added] }, schemaUrl: 'none' },
      ],
    })
  }
})

// Scenario: a profiles request whose resource has keys and values in the string table, nested ones too.
// Guarantees: they are found by key and read as text; what is left means the same without the table.
test('texts in the string table of profiles are seen', async () => {
  const dictionary = { stringTable: ['', 'service.name', 'shop', 'secret', 'list'] }
  const request = encodeRequest('profiles', {
    resourceProfiles: [
      {
        resource: {
          attributes: [
            { keyStrindex: 1, value: { stringValueStrindex: 2 } },
            { keyStrindex: 3, value: { intValue: '1' } },
            {
              keyStrindex: 4,
              value: { arrayValue: { values: [{ stringValueStrindex: 3 }, { boolValue: true }] } },
            },
            {
              key: 'plain',
              value: { kvlistValue: { values: [{ keyStrindex: 2, value: { stringValueStrindex: 1 } }] } },
            },
            { keyStrindex: 99, value: { intValue: '2' } },
          ],
        },
        scopeProfiles: [{ profiles: [{ samples: [{ stackIndex: 1 }, {}] }] }],
      },
    ],
    dictionary,
  })
  const yaml =
    '{attributes: [{key: secret, action: delete}, {key: copy, action: insert, from_attribute: service.name}]}'
  const after = decodeRequest('profiles', (await tryProcessor(factory, yaml, 'profiles').send(request))!)
  assert.deepEqual(after, {
    resourceProfiles: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { stringValue: 'shop' } },
            {
              key: 'list',
              value: { arrayValue: { values: [{ stringValue: 'secret' }, { boolValue: true }] } },
            },
            {
              key: 'plain',
              value: { kvlistValue: { values: [{ key: 'shop', value: { stringValue: 'service.name' } }] } },
            },
            { keyStrindex: 99, value: { intValue: '2' } },
            { key: 'copy', value: { stringValue: 'shop' } },
          ],
        },
        scopeProfiles: [{ profiles: [{ samples: [{ stackIndex: 1 }, {}] }] }],
      },
    ],
    dictionary,
  })
  const none = tryProcessor(factory, '{attributes: [{key: nothing, action: delete}]}', 'profiles')
  assert.equal(await none.send(request), request)
})

// Scenario: an action that changes nothing in any golden request.
// Guarantees: next gets the very bytes that were sent.
test('a batch that nothing matches passes as the same object', async () => {
  for (const { signal, plain } of goldenRequests()) {
    const tried = tryProcessor(factory, '{attributes: [{key: no.such.key, action: delete}]}', signal)
    assert.equal(await tried.send(plain), plain)
  }
})

// Scenario: the list is missing, and keys of the other processor are written.
// Guarantees: both are found.
test('mistakes in a config are explained', () => {
  assert.deepEqual(mistakes(factory, '{}'), ['attributes: is empty; write at least one action'])
  assert.match(
    mistakes(factory, '{actions: [], attributes: [{key: a, action: delete}]}')[0]!,
    /actions: is not a known key/,
  )
})
