import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  fnv1a,
  fnv1aBegin,
  hashHex,
  writeServiceDocument,
} from '../../../../core/formats/jaeger-es/service.ts'
import { Writer } from '../../../../core/otlp/writer.ts'

function hashOf(...texts: string[]): string {
  fnv1aBegin()
  for (const text of texts) fnv1a(Buffer.from(text), 0, Buffer.byteLength(text))
  return hashHex()
}

function slowHash(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16)
}

// Scenario: the published vectors of FNV-1a 64, texts of every length and letter, a hash with a zero in front.
// Guarantees: the ids of Jaeger's own service documents, so that both writers make one document.
test('ids are FNV-1a', () => {
  assert.equal(hashOf(''), 'cbf29ce484222325')
  assert.equal(hashOf('a'), 'af63dc4c8601ec8c')
  assert.equal(hashOf('foobar'), '85944171f73967e8')
  assert.equal(hashOf('foo', 'bar'), hashOf('foobar'))
  let short = 0
  for (let i = 0; i < 500; i++) {
    const text = `service-${i}überall${'x'.repeat(i % 40)}`
    assert.equal(hashOf(text), slowHash(text))
    if (hashOf(text).length < 16) short++
  }
  assert.ok(short > 0, 'no hash had a zero in front')
})

// Scenario: names with letters that JSON escapes.
// Guarantees: the two members of Jaeger's document.
test('a service document has two names', () => {
  const out = new Writer(64)
  const operation = Buffer.from('--"op"--')
  writeServiceDocument(out, Buffer.from('shop'), operation, 2, 6)
  assert.equal(Buffer.from(out.take()).toString(), '{"serviceName":"shop","operationName":"\\"op\\""}')
})
