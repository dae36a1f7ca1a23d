import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheBudget } from '../../../../core/formats/cache-budget.ts'
import { Pieces } from '../../../../core/formats/deflate/pieces.ts'
import { FieldNames } from '../../../../core/formats/jaeger-es/field-names.ts'
import { KnownKeys } from '../../../../core/formats/jaeger-es/known-keys.ts'
import { ReadingMemory } from '../../../../core/formats/jaeger-es/reading-memory.ts'

const budget = new CacheBudget(8 * 1024 * 1024)
const rule = { all: false, include: new Set(['a.b', 'a@b', 'span.kind']), dotReplacement: '@' }

// Scenario: thousands of keys, more than have room, asked for again and again; keys with quotes; none; long; no UTF-8.
// Guarantees: each is always what it is, whichever was asked for before; what cannot be known is said to be unknown.
test('keys are told apart', () => {
  const keys = new KnownKeys(new FieldNames(rule, budget), new Pieces(), new ReadingMemory())
  const texts = [...Array.from({ length: 5000 }, (_, n) => `http.key-${n}.x`), 'say "hi"', 'é', 'span.kind']
  for (let round = 0; round < 2; round++)
    for (const text of texts) {
      const bytes = Buffer.from(`..${text}..`)
      const known = keys.find(bytes, 2, bytes.length - 2)
      assert.equal(Buffer.from(known!.head.bytes).toString(), `,{"key":${JSON.stringify(text)},"value":`)
      assert.equal(known!.name === undefined, text !== 'span.kind')
    }
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(65, 'k'), Buffer.from([0x61, 0xff])])
    assert.equal(keys.find(bytes, 0, bytes.length), undefined)
})

// Scenario: two keys that are one field, before and after so many others that names were forgotten.
// Guarantees: they always share their field, so that no document has it twice.
test('keys of one field share it', () => {
  const names = new FieldNames({ ...rule, all: true }, new CacheBudget(1024 * 1024))
  const keys = new KnownKeys(names, new Pieces(), new ReadingMemory())
  const nameOf = (text: string) => keys.find(Buffer.from(text), 0, text.length)!.name
  assert.equal(nameOf('a.b'), nameOf('a@b'))
  const before = nameOf('a.b')
  for (let n = 0; n < 12_000; n++) nameOf(`other-${n}`)
  assert.equal(nameOf('a.b'), before, 'not within a list')
  names.begin()
  keys.begin()
  assert.equal(nameOf('a@b'), nameOf('a.b'))
  assert.notEqual(nameOf('a.b'), before)
})
