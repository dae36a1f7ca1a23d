import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPage } from '../../../../kit/read-page.ts'

const read = (page: string) => readPage(page, 'application/openmetrics-text; version=1.0.0')

// Scenario: a page with every type, units, exemplars and times.
// Guarantees: times in seconds become milliseconds, exemplars keep labels, value and time, help knows all escapes.
test('a page of everything', () => {
  const page = [
    '# HELP c_bytes A \\"counter\\"\\n.',
    '# TYPE c_bytes counter',
    '# UNIT c_bytes bytes',
    'c_bytes_total{a="1"} 17.5 1.25 # {trace_id="ab",span_id="cd"} 0.5 1700000000.1234',
    'c_bytes_created{a="1"} 1600000000.5',
    '# TYPE h histogram',
    'h_bucket{le="+Inf"} 3 # {} 2',
    '# TYPE i info',
    'i_info{"x.y"="z"} 1 -1.5',
    '# TYPE s stateset',
    '# TYPE g gaugehistogram',
    '# TYPE u unknown',
    '# EOF',
  ].join('\n')
  assert.deepEqual(read(page), [
    'help c_bytes A "counter"\n.',
    'type c_bytes counter',
    'unit c_bytes bytes',
    'c_bytes_total{a="1"} 17.5 @1250 # {trace_id="ab",span_id="cd"} 0.5 @1700000000123',
    'c_bytes_created{a="1"} 1600000000.5',
    'type h histogram',
    'h_bucket{le="+Inf"} 3 # {} 2',
    'type i info',
    'i_info{x.y="z"} 1 @-1500',
    'type s stateset',
    'type g gaugehistogram',
    'type u unknown',
  ])
  assert.deepEqual(read('# EOF\n'), [])
})

// Scenario: pages that classic text would allow, and others with a mistake.
// Guarantees: the format is strict, and says where.
test('mistakes have a place', () => {
  const wrong: [page: string, message: RegExp][] = [
    ['', /^line 1, column 1: the page does not end with # EOF/],
    ['a 1\n', /^line 2, column 1: the page does not end with # EOF/],
    ['a 1', /^line 1, column 4: the page does not end with # EOF/],
    ['a 1\n\n# EOF\n', /^line 2, column 1: expected the name of a metric/],
    ['a  1\n# EOF\n', /^line 1, column 3: expected the value of the metric/],
    [' a 1\n# EOF\n', /^line 1, column 1: expected the name of a metric/],
    ['a 1 \n# EOF\n', /^line 1, column 5: expected a time in seconds/],
    ['a{b="c", d="e"} 1\n# EOF\n', /^line 1, column 9: expected the name of a label or }/],
    ['a{b="c"d="e"} 1\n# EOF\n', /^line 1, column 8: expected , or }/],
    ['# a comment\n# EOF\n', /^line 1, column 1: expected # HELP/],
    ['#TYPE a counter\n# EOF\n', /^line 1, column 1: expected # HELP/],
    ['# TYPE a counter \n# EOF\n', /^line 1, column 1: "counter " is not a type/],
    ['# HELP a\n# EOF\n', /^line 1, column 9: expected a space and a text/],
    ['# UNIT a seconds\n# EOF\n', /^line 1, column 1: the unit "seconds" is not the end of the name "a"/],
    ['a 1 # {b="c"}\n# EOF\n', /^line 1, column 14: expected a space and the value of the exemplar/],
    ['a 1 # {"b"} 1\n# EOF\n', /^line 1, column 11: expected = behind the name of a label/],
    ['a 1 #{b="c"} 1\n# EOF\n', /^line 1, column 5: expected a number/],
    ['a 1 NaN\n# EOF\n', /^line 1, column 5: a time that is none/],
    ['a 1\n# EOF\nb 1\n', /^line 3, column 1: there is more behind # EOF/],
    ['a{x="b\nc"} 1\n# EOF\n', /^line 1, column 5: a quoted text does not end in its line/],
  ]
  for (const [page, message] of wrong) assert.throws(() => read(page), { name: 'BadPage', message }, page)
})
