import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { high, low, parseDigits, writeInt64, writeUint, writeUint64 } from '../../../core/otlp/decimal.ts'

const halves = (value: bigint): [number, number] => [
  Number(value & 0xffff_ffffn),
  Number((value >> 32n) & 0xffff_ffffn),
]

function written(write: (target: Uint8Array, pos: number) => number): string {
  const target = Buffer.alloc(24, 0x23)
  const end = write(target, 1)
  assert.equal(target[end], 0x23, 'nothing is written past the end')
  return target.toString('latin1', 1, end)
}

function parsed(text: string): bigint | undefined {
  const source = Buffer.from(`9${text}9`)
  return parseDigits(source, 1, source.length - 1) ? (BigInt(high) << 32n) | BigInt(low) : undefined
}

const EDGES = [0n, 1n, 9n, 10n, 999_999_999n, 10n ** 9n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n]
const UINT64 = fc.oneof(
  fc.constantFrom(...EDGES, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)

// Scenario: any unsigned 64-bit value is written as digits and read back.
// Guarantees: the digits are those of bigint and the halves come back exactly.
test('unsigned 64-bit integers are exact in both directions', () => {
  fc.assert(
    fc.property(UINT64, value => {
      const text = written((target, pos) => writeUint64(target, pos, ...halves(value)))
      assert.equal(text, String(value))
      assert.equal(parsed(text), value)
    }),
  )
})

// Scenario: any signed 64-bit value is written, the smallest among them.
// Guarantees: sign and digits are those of bigint.
test('signed 64-bit integers are exact', () => {
  const values = fc.oneof(
    fc.constantFrom(-1n, -(2n ** 32n), -(2n ** 63n), 2n ** 63n - 1n),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  )
  fc.assert(
    fc.property(values, value => {
      const [lo, hi] = halves(BigInt.asUintN(64, value))
      assert.equal(
        written((target, pos) => writeInt64(target, pos, lo, hi)),
        String(value),
      )
    }),
  )
})

// Scenario: whole numbers up to 2^53 are written.
// Guarantees: the digits are those of String.
test('small integers are written as they are', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), value => {
      assert.equal(
        written((target, pos) => writeUint(target, pos, value)),
        String(value),
      )
    }),
  )
})

// Scenario: texts that are no unsigned 64-bit integer, and unusual ones that are.
// Guarantees: the first are refused, leading zeros are not counted as digits.
test('digits are checked', () => {
  for (const text of ['', '-1', '+1', '1.0', '1e3', ' 1', '12a', '18446744073709551616', '9'.repeat(21)])
    assert.equal(parsed(text), undefined, text)
  assert.equal(parsed('0000000000000000000000000000007'), 7n)
  assert.equal(parsed('000'), 0n)
  assert.equal(parsed('18446744073709551615'), 2n ** 64n - 1n)
})
