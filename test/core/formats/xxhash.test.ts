import assert from 'node:assert/strict'
import { test } from 'node:test'
import { xxh64 } from '../../../core/formats/xxhash.ts'

// Scenario: texts of every length class: none, a few bytes, 4, 8, more than 32.
// Guarantees: XXH64 with seed 0, as cespare/xxhash computes it.
test('known hashes', () => {
  const known: [string, bigint][] = [
    ['', 0xef46_db37_51d8_e999n],
    ['a', 0xd24e_c4f1_a98c_6e5bn],
    ['as', 0x1c33_0fb2_d66b_e179n],
    ['asd', 0x631c_37ce_72a9_7393n],
    ['asdf', 0x4158_72f5_99ce_a71en],
    ['Call me Ishmael. Some years ago--never mind how long precisely-', 0x02a2_e854_70d6_fd96n],
  ]
  for (const [text, hash] of known) assert.equal(xxh64(Buffer.from(text)), hash, text)
})
