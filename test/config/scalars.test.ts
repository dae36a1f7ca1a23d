/** What each word takes was tried on the Collector 0.155; where Sluice is stricter a comment says so. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  choice,
  duration,
  flag,
  integer,
  number,
  type Schema,
  Secret,
  secret,
  text,
} from '../../config/schema.ts'
import { readAs } from '../kit/config-text.ts'

const ENV = {
  OCT: '0123',
  TRUE: 'true',
  MAP: '{a: b}',
  LIST: '[a',
  FIVE: '5s',
  EMPTY: '',
  YES: 'yes',
  NUM: '7',
}

/** [written, value, ...what is said without the place]. */
type Row = readonly [written: string, value: unknown, ...said: string[]]

function check(schema: Schema<unknown>, rows: readonly Row[]): void {
  for (const [written, value, ...said] of rows) {
    const read = readAs(schema, written, ENV)
    const short = read.said.map(line => line.replace(/^v:1:4: /, '').replace(/v: /, ''))
    assert.deepEqual({ value: read.value, said: short }, { value, said }, written)
  }
}

const UNSET =
  'warning: the environment variable NOPE is not set, so this is empty; set it, or write ${env:NOPE:-default}'

// Scenario: a text setting is given every kind of value, directly and from the environment.
// Guarantees: numbers and flags are refused unless they come from the environment; then the text is as it was there.
test('text', () => {
  check(text({ doc: '', default: 'usual' }), [
    ['abc', 'abc'],
    ['"5"', '5'],
    ['yes', 'yes'],
    ['5', 'usual', 'expected a text, got the number 5; write it in quotes'],
    ['0x1F', 'usual', 'expected a text, got the number 0x1F; write it in quotes'],
    ['true', 'usual', 'expected a text, got true; write it in quotes'],
    ['{a: b}', 'usual', 'expected a text, got a map; write it in quotes'],
    ['[a]', 'usual', 'expected a text, got a list; write it in quotes'],
    ['', '', 'warning: is empty, which means ""; remove the key to have the default, "usual"'],
    ['${env:OCT}', '0123'],
    ['${env:TRUE}', 'true'],
    ['${env:MAP}', '{a: b}'],
    ['${env:LIST}', '[a'],
    ['${env:EMPTY}', ''],
    ['${env:NOPE}', '', UNSET],
    ['x${env:OCT}', 'x0123'],
  ])
  check(text({ doc: '', required: true }), [
    ['""', '', 'is empty; write it in quotes'],
    ['', '', 'is empty; write it in quotes'],
    ['${env:NOPE}', '', UNSET, 'is empty; write it in quotes'],
  ])
})

// Scenario: a check quotes an address with a password, with its scheme and without, in what is wrong and in the fix.
// Guarantees: no message of `validate` shows the password; the rest of the sentence stays.
test('passwords in objections', () => {
  const schema = text({ doc: '', check: value => [`"${value}" is not right`, `write http://${value}`] })
  for (const address of ['me:hunter2@host:1', 'http://me:hunter2@host:1', 'ftp://me:hunter2@host/']) {
    const said = readAs(schema, address, {}).said.join()
    assert.doesNotMatch(said, /hunter2/)
    assert.match(said, /me:\[REDACTED\]@host.*is not right; write .*me:\[REDACTED\]@host/)
  }
})

// Scenario: addresses with and without a user, a password and keys in the query are printed, redacted and not.
// Guarantees: password and keys are shown only when asked for; everything else always.
test('passwords in addresses', () => {
  const schema = text({ doc: '' })
  const url = 'http://me:p@ss:1@proxy:3128/a?b=c:d@e'
  assert.equal(schema.print(url, false), 'http://me:[REDACTED]@proxy:3128/a?b=c:d@e')
  assert.equal(schema.print(url, true), url)
  const keyed = 'https://host/v1?a=b&Api-Key=x%20y&accessToken=z#c'
  assert.equal(schema.print(keyed, false), 'https://host/v1?a=b&Api-Key=[REDACTED]&accessToken=[REDACTED]#c')
  for (const plain of [
    'http://me@host:1',
    'http://host:80/a:b@c',
    'a:b@c',
    'unix:///a:b@c',
    'http://[::1]:1/@',
  ])
    assert.equal(schema.print(plain, false), plain)
})

// Scenario: a secret is read, printed, logged, serialized, and given values of the wrong type.
// Guarantees: nothing but reveal() and an unredacted print shows it, and no message quotes it.
test('secret', () => {
  const schema = secret({ doc: '' })
  const { value } = readAs(schema, '${env:OCT}', ENV)
  assert.equal(value.reveal(), '0123')
  for (const shown of [
    String(value),
    JSON.stringify({ value }),
    inspect({ value }),
    schema.print(value, false),
    `${value}`,
  ]) {
    assert.doesNotMatch(String(shown), /0123/)
  }
  assert.equal(schema.print(value, true), '0123')
  assert.equal(schema.print(new Secret(''), false), '')
  const wrong = readAs(schema, '12345')
  assert.equal(wrong.value.reveal(), '')
  assert.deepEqual(wrong.said, [
    'v:1:4: v: expected a text, got something else; write it in quotes, or take it from the environment with ${env:NAME}',
  ])
})

// Scenario: whole numbers in every notation, fractions, texts, and numbers beyond a double.
// Guarantees: as the Collector, a fraction is cut off, but not silently; what a double cannot hold is refused.
test('integer', () => {
  const most = 'a whole number, at most 9007199254740991'
  check(integer({ doc: '', default: 3, min: -5, max: 2_000_000 }), [
    ['5', 5],
    ['-5', -5],
    ['0x10', 16],
    ['017', 15],
    ['1_000', 1000],
    ['1e3', 1000],
    ['5.0', 5],
    ['1.9', 1, 'warning: is not a whole number, so 1 is used; write a whole number'],
    ['-0.5', 0, 'warning: is not a whole number, so 0 is used; write a whole number'],
    ['-6', -6, '-6 is less than -5; write -5 or more'],
    ['2000001', 2000001, '2000001 is more than 2000000; write 2000000 or less'],
    ['"5"', 3, `expected ${most}, got the text "5"; write digits only, such as 100`],
    ['true', 3, `expected ${most}, got true; write digits only, such as 100`],
    ['.inf', 3, `expected ${most}, got the number .inf; write digits only, such as 100`],
    [
      '9007199254740993',
      3,
      `expected ${most}, got the number 9007199254740993; write digits only, such as 100`,
    ],
    ['', 0, 'warning: is empty, which means 0; remove the key to have the default, 3'],
    ['${env:NUM}', 7],
    ['1${env:NUM}', 3, `expected ${most}, got the text "17"; write digits only, such as 100`],
    ['${env:NOPE}', 0, UNSET],
  ])
})

// Scenario: numbers that are fractions, whole, huge, infinite, and not numbers.
// Guarantees: everything but NaN is taken.
test('number', () => {
  check(number({ doc: '', min: 0, max: 1 }), [
    ['0.5', 0.5],
    ['1', 1],
    ['.inf', Number.POSITIVE_INFINITY, 'Infinity is more than 1; write 1 or less'],
    ['.nan', Number.NaN, 'is not a number; write a number such as 0.5'],
    ['"0.5"', 0, 'expected a number, got the text "0.5"; write a number such as 0.5'],
  ])
  check(number({ doc: '' }), [['9007199254740993', 9007199254740992]])
})

// Scenario: the words people use for true and false.
// Guarantees: only true and false are flags, as for the Collector; `yes` is a text.
test('flag', () => {
  const wrong = (got: string): string =>
    `expected true or false, got ${got}; write true or false, without quotes`
  check(flag({ doc: '', default: true }), [
    ['true', true],
    ['False', false],
    ['yes', true, wrong('the text "yes"')],
    ['"false"', true, wrong('the text "false"')],
    ['1', true, wrong('the number 1')],
    ['${env:TRUE}', true],
    ['${env:YES}', true, wrong('the text "yes"')],
    ['${env:NOPE}', false, UNSET],
    ['', false, 'warning: is empty, which means false; remove the key to have the default, true'],
  ])
})

// Scenario: durations with and without unit, negative, empty.
// Guarantees: a bare number is nanoseconds, as in the Collector, and is warned of.
test('duration', () => {
  const expected = (got: string): string =>
    `expected a duration, got ${got}; write a number with a unit, such as 200ms, 5s or 1m30s`
  check(duration({ doc: '', default: '5s' }), [
    ['10s', 10_000],
    ['0', 0],
    ['5', 0.000005, 'warning: 5 without a unit means nanoseconds; write 5ns, or what you mean'],
    ['1.5e9', 1500, 'warning: 1500000000 without a unit means nanoseconds; write 1.5s, or what you mean'],
    [
      '9223372036854775807',
      9223372036854.775,
      'warning: 9223372036854775807 without a unit means nanoseconds; write 2562047h47m16.854775391s, or what you mean',
    ],
    ['"10"', 5000, expected('the text "10"')],
    ['soon', 5000, expected('the text "soon"')],
    ['-1s', -1000, '-1s is less than 0s; write 0s or more'],
    ['${env:FIVE}', 5000],
    ['', 0, 'warning: is empty, which means "0s"; remove the key to have the default, "5s"'],
  ])
})

// Scenario: words from a list, another spelling, a typo, nothing.
// Guarantees: a typo is answered with the word that was meant.
test('choice', () => {
  check(choice(['gzip', 'zstd', ''], { doc: '', default: 'gzip', aliases: { none: '' } }), [
    ['zstd', 'zstd'],
    ['none', ''],
    ['""', ''],
    ['', '', 'warning: is empty, which means ""; remove the key to have the default, "gzip"'],
    ['gzp', 'gzip', '"gzp" is not one of its values; did you mean "gzip"?'],
    ['snappy', 'gzip', '"snappy" is not one of its values; known here: "", gzip, zstd'],
    ['5', 'gzip', 'expected a text, got the number 5; write one of gzip, zstd, ""'],
    ['toString', 'gzip', '"toString" is not one of its values; known here: "", gzip, zstd'],
  ])
  check(choice(['a', 'b'], { doc: '', default: 'b' }), [
    ['', 'b'],
    ['${env:NOPE}', 'b', UNSET],
    ['""', 'b', '"" is not one of its values; known here: a, b'],
  ])
})

// Scenario: a setting with a rule of its own.
// Guarantees: the rule sees the converted value and its complaint has the place.
test('rules of a setting', () => {
  const even = integer({
    doc: '',
    check: n => (n % 2 === 0 ? undefined : [`${n} is odd`, 'write an even number']),
  })
  check(even, [
    ['4', 4],
    ['5', 5, '5 is odd; write an even number'],
  ])
})
