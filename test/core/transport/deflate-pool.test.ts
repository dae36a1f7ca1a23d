import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, inflateSync } from 'node:zlib'
import { DeflatePool } from '../../../core/transport/deflate-pool.ts'
import { Random } from '../../kit/random.ts'

const random = new Random(11)
const inputs = [
  Buffer.alloc(0),
  Buffer.from('x'),
  Buffer.from(random.bytes(300_000)),
  Buffer.alloc(3_000_000, 'again and '),
  Buffer.from('the end'),
]

// Scenario: empty, small, large, random and repetitive inputs, one after the other and ten at once, in both formats.
// Guarantees: each output is a whole stream of its own, whatever the stream it came from had before.
for (const [format, undo] of [
  ['gzip', gunzipSync],
  ['deflate', inflateSync],
] as const)
  test(`${format} by streams that are kept`, async () => {
    const pool = new DeflatePool(format, { level: 1 })
    for (const input of inputs) assert.deepEqual(undo(await pool.compress(input)), input)
    const many = [...inputs, ...inputs]
    const outputs = await Promise.all(many.map(input => pool.compress(input)))
    for (const [i, output] of outputs.entries()) assert.deepEqual(undo(output), many[i])
    for (const input of inputs) assert.deepEqual(undo(await pool.compress(input)), input)
  })
