import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { goLower, goUpper } from '../../../core/formats/go-case.ts'

/** Of the lines `letter lower upper`, in decimal, of all that Go 1.26 maps to another (unicode.ToLower, ToUpper). */
const GO = 'ac188121fb36c8769f3002efcee5a5009c79e08cb45ca2e383b1b80eefe89cc5'

// Scenario: every letter of Unicode; words in which JavaScript looks at the neighbours of a letter, or makes two of one.
// Guarantees: each is mapped as Go's tables say, whatever stands beside it.
test('letters are mapped as in Go', () => {
  const all = createHash('sha256')
  // In texts of 128 letters, of which the first is ASCII to its end: letter by letter takes a second longer.
  for (let first = 0; first <= 0x10_ffff; first += 128) {
    if (first >= 0xd800 && first < 0xe000) continue
    const text = String.fromCodePoint(...Array.from({ length: 128 }, (_, i) => first + i))
    const [lower, upper] = [goLower(text), goUpper(text)]
    if (lower === text && upper === text) continue
    const [letters, lowers, uppers] = [[...text], [...lower], [...upper]]
    assert.deepEqual([lowers.length, uppers.length], [128, 128])
    for (const [i, letter] of letters.entries()) {
      if (lowers[i] === letter && uppers[i] === letter) continue
      all.update(`${first + i} ${lowers[i]!.codePointAt(0)} ${uppers[i]!.codePointAt(0)}\n`)
    }
  }
  assert.equal(all.digest('hex'), GO)
  assert.equal(goUpper('stra\u00dfe \ufb01n'), 'STRA\u00dfE \ufb01N')
  assert.equal(goLower('\u039f\u0394\u039f\u03a3'), '\u03bf\u03b4\u03bf\u03c3')
  assert.equal(goLower('\u0130X'), 'ix')
  assert.equal(goUpper('abc_1'), 'ABC_1')
  assert.equal(goLower('ABC_1'), 'abc_1')
})
