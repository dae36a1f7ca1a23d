import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPage } from '../../../../kit/read-page.ts'

const read = (lines: readonly string[], options = {}) =>
  readPage(lines.join('\n'), 'text/plain', { custom: true, ...options }).filter(
    line => !/^(?:type|help)/.test(line),
  )

const histogram = (labels: string, counts: readonly number[]): string[] => [
  ...['1', '5', '+Inf'].map((le, i) => `h_bucket{${labels}le="${le}"} ${counts[i]}`),
  `h_sum{${labels.replace(/,$/, '')}} 9`,
  `h_count{${labels.replace(/,$/, '')}} ${counts[2]}`,
]
const one = (labels: string, counts: string): string =>
  `h{${labels}} {"kind":"custom","count":4,"sum":9,"bounds":[1,5],"counts":[${counts}]}`

// Scenario: classic histograms on a text page, one after another, other metrics between, with the key to take them whole.
// Guarantees: each comes in one piece when its last sample is over, what is no histogram stays as it is, and with
// always_scrape_classic_histograms the samples come too.
test('histograms come in one piece', () => {
  const page = [
    '# TYPE g gauge',
    'g_bucket{le="1"} 1',
    '# TYPE h histogram',
    ...histogram('a="1",', [1, 1, 4]),
    ...histogram('a="2",', [0, 2, 4]),
    'h_other 1',
    '# TYPE x counter',
    'x 1',
  ]
  assert.deepEqual(read(page), [
    'g_bucket{le="1"} 1',
    one('a="1"', '1,0,3'),
    one('a="2"', '0,2,2'),
    'h_other{} 1',
    'x{} 1',
  ])
  const both = read(page, { classic: true })
  assert.equal(both.length, 15)
  assert.equal(both[6], one('a="1"', '1,0,3'))
  assert.equal(read(['# TYPE h histogram', ...histogram('', [1, 1, 4])]).length, 1)
})

// Scenario: histograms in disorder, without a count, without a last bucket, and such as do not add up.
// Guarantees: what can be known is completed, what contradicts itself is left out and harms nobody else.
test('histograms that are not whole', () => {
  const whole = (...lines: string[]) => read(['# TYPE h histogram', ...lines, '# TYPE z gauge', 'z 1'])
  assert.match(
    whole('h_count 4', 'h_bucket{le="5"} 3', 'h_sum 9', 'h_bucket{le="1"} 1')[0]!,
    /"bounds":\[1,5\],"counts":\[1,2,1\]/,
  )
  assert.match(
    whole('h_bucket{le="1"} 1', 'h_bucket{le="1"} 1', 'h_bucket{le="5"} 3')[0]!,
    /"count":3.*"counts":\[1,2,0\]/,
  )
  assert.match(whole('h_count 3')[0]!, /"bounds":\[\],"counts":\[3\]/)
  for (const wrong of [
    ['h_bucket{le="1"} 3', 'h_bucket{le="5"} 2'],
    ['h_bucket{le="5"} 2', 'h_bucket{le="1"} 3'],
    ['h_bucket{le="1"} 3', 'h_bucket{le="+Inf"} 4', 'h_count 5'],
    ['h_bucket{le="1"} 3', 'h_count 2'],
    ['h_bucket{le="1"} -3'],
    ['h_count -1'],
  ])
    assert.deepEqual(whole(...wrong), ['z{} 1'], wrong.join())
  assert.deepEqual(whole('h_bucket{} 1', 'h_bucket{le="x"} 1'), [
    'h_bucket{} 1',
    'h_bucket{le="x"} 1',
    'z{} 1',
  ])
})
