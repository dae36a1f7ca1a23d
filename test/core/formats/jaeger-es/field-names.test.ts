import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheBudget } from '../../../../core/formats/cache-budget.ts'
import { SpanDocuments } from '../../../../core/formats/jaeger-es/span-document.ts'
import { ItemWalker } from '../../../../core/otlp/walk.ts'
import { Writer } from '../../../../core/otlp/writer.ts'
import { encodeRequest } from '../../../kit/proto.ts'

/** Names of the fields in `tag`, as often as they are there. */
function fieldsOf(json: string): string[] {
  const tag = /"tag":\{(.*?)\},"logs"|"tag":\{(.*?)\}/.exec(json)
  return [...(tag?.[1] ?? tag?.[2] ?? '').matchAll(/"([^"]+)":/g)].map(([, name]) => name!)
}

// Scenario: with all tags as fields, spans with so many keys that names are forgotten, also within one span; then one whose
// attributes are called as what Jaeger adds.
// Guarantees: no field is in a document twice, which Elasticsearch would refuse; the last value counts, as in Jaeger.
test('a field is there once, whatever was forgotten', () => {
  const names = { all: true, include: new Set<string>(), dotReplacement: '@' }
  const options = { tagsAsFields: names, maxValueBytes: 1000, parentSpanId: false, timestamp: false }
  const documents = new SpanDocuments(options, new CacheBudget(256 * 1024))
  const documentOf = (keys: readonly string[]): string => {
    const attributes = keys.map(key => ({ key, value: { stringValue: 'x' } }))
    const span = { name: 'a', endTimeUnixNano: '1', kind: 2, status: { code: 2 }, attributes }
    const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
    const walker = new ItemWalker(request, 'traces')
    const out = new Writer(64)
    walker.next()
    documents.begin(walker)
    documents.write(out)
    documents.release()
    return Buffer.from(out.take()).toString()
  }
  for (let n = 0; n < 3; n++) {
    const keys = Array.from({ length: 2000 }, (_, i) => `key.${n}.${i}`)
    const fields = fieldsOf(documentOf([...keys, ...keys, 'span.kind', 'error']))
    assert.equal(new Set(fields).size, fields.length)
    assert.equal(fields.length, 2002)
  }
  const json = documentOf(['span.kind', 'error', 'a.b', 'a@b'])
  assert.deepEqual(fieldsOf(json).sort(), ['a@b', 'error', 'span@kind'])
  assert.match(json, /"span@kind":"server"/)
})
