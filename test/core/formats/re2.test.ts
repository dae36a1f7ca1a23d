import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile, Memo, PatternError, patternProblem } from '../../../core/formats/re2.ts'

// Scenario: patterns in Go's syntax that JavaScript refuses or reads differently.
// Guarantees: they compile and match anywhere in the text, flags included.
test('Go syntax is understood', () => {
  assert.equal(compile('(?i)^GET$').test('get'), true)
  assert.equal(compile(String.raw`\Afoo\z`).test('foo\n'), false)
  assert.equal(compile('b+').test('abbc'), true)
  assert.equal(compile(String.raw`\pL+`).test('überall'), true)
  assert.equal(compile('[[:digit:]]').test('x7'), true)
  assert.equal(compile('(?U)a.*b').match('axbxb')?.length, 0)
})

// Scenario: named groups in both spellings, a group that takes no part, one without a name.
// Guarantees: names in order, '' where a group took no part or has no name, undefined when nothing matches.
test('groups come in order with their names', () => {
  const pattern = compile('^/(?P<version>v[0-9]+)/(?<rest>.*?)(;(?P<tail>.*))?$')
  assert.deepEqual(pattern.groups, ['version', 'rest', '', 'tail'])
  assert.deepEqual(pattern.match('/v1/users'), ['v1', 'users', '', ''])
  assert.deepEqual(pattern.match('/v1/users;a=b'), ['v1', 'users', ';a=b', 'a=b'])
  assert.equal(pattern.match('nothing'), undefined)
})

// Scenario: what RE2 does not have, and plain mistakes.
// Guarantees: a PatternError that says what is wrong, never another exception.
test('bad patterns are explained', () => {
  for (const bad of ['[', '(?=x)', String.raw`(a)\1`, '(', 'a**', '(?P<a-b>a)', 'a{1001}'])
    assert.throws(() => compile(bad), PatternError, bad)
  assert.match(patternProblem('[')!, /missing closing/)
  assert.equal(patternProblem('[a]'), undefined)
})

// Scenario: the classic pattern that makes a backtracking engine run for ever, on 5000 characters.
// Guarantees: it ends (the test would hang otherwise).
test('time is linear in the text', () => {
  assert.equal(compile('^(a+)+$').test(`${'a'.repeat(5000)}b`), false)
})

// Scenario: more texts than the memo may hold, then the first again; and a text that is too long to be kept.
// Guarantees: results are right, remembered while hot, and the memory is bounded.
test('a memo is bounded and keeps what is hot', () => {
  let computed = 0
  const memo = new Memo(text => {
    computed++
    return text.length
  }, 10)
  for (let i = 0; i < 10; i++) memo.get(`text ${i}`)
  assert.equal(memo.get('text 3'), 6)
  assert.equal(computed, 10)
  for (let i = 10; i < 100; i++) {
    memo.get(`text ${i}`)
    assert.equal(memo.get('text 3'), 6)
  }
  assert.equal(computed, 100)
  memo.get('text 5')
  assert.equal(computed, 101)
  memo.get('x'.repeat(300))
  memo.get('x'.repeat(300))
  assert.equal(computed, 103)
})
