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
  for (let code = 0; code <= 0x10_ffff; code++) {
    if (code >= 0xd800 && code < 0xe000) continue
    const letter = String.fromCodePoint(code)
    const lower = goLower(letter)
    const upper = goUpper(letter)
    if (lower === letter && upper === letter) continue
    assert.equal([...lower].length + [...upper].length, 2)
    all.update(`${code} ${lower.codePointAt(0)} ${upper.codePointAt(0)}\n`)
  }
  assert.equal(all.digest('hex'), GO)
  assert.equal(goUpper('stra\u00dfe \ufb01n'), 'STRA\u00dfE \ufb01N')
  assert.equal(goLower('\u039f\u0394\u039f\u03a3'), '\u03bf\u03b4\u03bf\u03c3')
  assert.equal(goLower('\u0130X'), 'ix')
  assert.equal(goUpper('abc_1'), 'ABC_1')
  assert.equal(goLower('ABC_1'), 'abc_1')
})
