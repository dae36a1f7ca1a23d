import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPage } from '../../../../kit/read-page.ts'

const read = (page: string | Uint8Array) => readPage(page, 'text/plain')

// Scenario: a page with everything the format has, written as libraries and as people write it.
// Guarantees: names, escapes, numbers, times and types as Prometheus reads them; comments and blank lines are nothing.
test('a page of everything', () => {
  const page = [
    '# HELP requests The "number" of\\nrequests \\\\ and more.',
    '# TYPE requests counter',
    'requests{code="200",path="/a\\\\b\\"c\\nd"} 17 1395066363000',
    '',
    '#no comment',
    '# just a comment',
    '#\tTYPE\ttabs\tgauge',
    '  tabs \t{ a = "b" , c="d" , } \t5\t',
    '# HELPER is no HELP',
    '# HELP nothing',
    'bare +Inf',
    'b{x="1"y="2"} -1.5e-3',
    'c:d{} NaN 0',
    '{"my.metric", "a b"="ü"} .5',
  ].join('\n')
  assert.deepEqual(read(page), [
    'help requests The "number" of\nrequests \\ and more.',
    'type requests counter',
    'requests{code="200",path="/a\\\\b\\"c\\nd"} 17 @1395066363000',
    'type tabs gauge',
    'tabs{a="b",c="d"} 5',
    'help nothing ',
    'bare{} Infinity',
    'b{x="1",y="2"} -0.0015',
    'c:d{} NaN @0',
    'my.metric{a b="ü"} 0.5',
  ])
})

// Scenario: bounds of histograms and summaries in several spellings, and le where it is no bound.
// Guarantees: one spelling for each bound, so that one bucket stays one series.
test('bounds have one spelling', () => {
  const page = ['1', '1.0', '1e0', '+Inf', '0.5', '1e6', 'x'].map(le => `h_bucket{le="${le}"} 1`)
  assert.deepEqual(
    read(['# TYPE h histogram', ...page].join('\n'))
      .slice(1)
      .map(line => /le="(.*)"/.exec(line)![1]),
    ['1.0', '1.0', '1.0', '+Inf', '0.5', '1e+06', 'x'],
  )
  assert.deepEqual(read('# TYPE g gauge\ng{le="1"} 1')[1], 'g{le="1"} 1')
})

// Scenario: numbers in every spelling that Go takes, and such as it does not.
// Guarantees: the same ones are taken, exactly.
test('numbers', () => {
  const good = { '0': 0, '007': 7, '-0': -0, '+1': 1, '5.': 5, '.5e3': 500, inf: Infinity, '-Inf': -Infinity }
  for (const [text, value] of Object.entries(good)) assert.equal(read(`a ${text}`)[0], `a{} ${value}`)
  assert.equal(read('a 9007199254740993')[0], 'a{} 9007199254740992')
  for (const text of ['x', '0x10', '0x1p3', '1_000', '1e999', '--1', '1,5', 'nAn5'])
    assert.throws(() => read(`a ${text}`), /^BadPage: line 1, column 3: expected a number, found/, text)
})

// Scenario: pages with a mistake each.
// Guarantees: line and column of the mistake, what is missing, what stands there.
test('mistakes have a place', () => {
  const wrong: [page: string | Uint8Array, message: string][] = [
    ['a 1\nb{x="1} 2\n', 'line 2, column 5: a quoted text does not end, found "\\"1} 2"'],
    ['a', 'line 1, column 2: expected the value of the metric, found the end of the page'],
    ['a{', 'line 1, column 3: expected the name of a label or }, found the end of the page'],
    ['a{x} 1', 'line 1, column 4: expected = behind the name of a label, found "} 1"'],
    ['a{x=1} 1', 'line 1, column 5: expected the value of a label in quotes, found "1} 1"'],
    ['a{x="1",,} 1', 'line 1, column 9: expected the name of a label or }, found ",} 1"'],
    ['{x="1"} 1', 'line 1, column 1: the metric has no name, found "{x=\\"1\\"} 1"'],
    ['{"a","b"} 1', 'line 1, column 6: the metric has a name already, found "\\"b\\"} 1"'],
    ['1a 1', 'line 1, column 1: expected the name of a metric, found "1a 1"'],
    ['# TYPE a thing', 'line 1, column 1: "thing" is not a type of metric, found "# TYPE a thing"'],
    ['# TYPE', ''],
    ['# TYPE 1 counter', 'line 1, column 8: expected the name of a metric, found "1 counter"'],
    ['a 1 1.5', 'line 1, column 6: expected the end of the line, found ".5"'],
    ['a 1 -5', 'line 1, column 5: expected a time in milliseconds or the end of the line, found "-5"'],
    ['a 1 99999999999999999999', 'line 1, column 5: a time that is too large, found "99999999999999999999"'],
    [
      Buffer.from('a{x="\xff"} 1', 'latin1'),
      'line 1, column 5: a text that is not UTF-8, found "\\"\ufffd\\"} 1"',
    ],
    [
      `a{x=${'y'.repeat(100)}`,
      `line 1, column 5: expected the value of a label in quotes, found "${'y'.repeat(40)}..."`,
    ],
  ]
  for (const [page, message] of wrong) {
    if (message === '') assert.deepEqual(read(page), [])
    else assert.throws(() => read(page), { name: 'BadPage', message })
  }
})
