import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { pages } from '../../bench/docs.ts'
import { BEGIN, END, generated, withGenerated } from '../../bench/page.ts'
import { knownReport } from './report.ts'

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))
const page = readFileSync(`${docs}performance.md`, 'utf8')

// Scenario: the page is written twice from different reports.
// Guarantees: text by hand stays to the letter, the generated part is replaced whole, and a page without marks is refused.
test('what is written by hand stays', () => {
  const once = withGenerated(page, 'first')
  const twice = withGenerated(once, 'second')
  const [before, after] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))]
  assert.equal(twice, `${before}${BEGIN}\n\nsecond\n\n${after}`)
  assert.ok(after.includes('## Where it stands'))
  assert.throws(() => withGenerated('# Performance\n', 'x'), /lacks its marks/)
})

// Scenario: a report whose figures are known.
// Guarantees: machine and versions are named, and every table has its figures, ratios and ranges.
test('the generated part', () => {
  const text = generated(knownReport())
  for (const words of [
    '2 cores of AMD EPYC',
    'Node 26.10.0',
    'Collector 0.155.0',
    'Rotel 0.0.1-alpha10',
    '3 rounds',
  ])
    assert.ok(text.includes(words), words)
  // 100 + 512 us here, 50 + 5 * 512 there, 40 + 2.5 * 512, and 80 + 0.9 * 512 bare; 512 spans in 612 us.
  const row = text.split('\n').find(line => line.startsWith('| HTTP | 512 |'))
  assert.equal(
    row,
    '| HTTP | 512 | 612 (551-734) | 541 | 2,610 | 1,320 | 4.3 (4.3-4.3) | 2.2 (2.2-2.2) | 1.13 (1.13-1.13) | 837 |',
  )
  assert.ok(text.includes('| HTTP | Sluice | 6.0 (5.0-7.0) | 1.00 (1.00-1.00) | 3.00 (2.00-4.00) | 0.10 |'))
  assert.ok(text.includes('| gRPC | Collector | 71 | 320 (300-340) | 201 (200-202) |'))
  assert.ok(!/NaN|undefined|null/.test(text))
  // In edit Rotel did not take part: it has no column there.
  assert.ok(!text.slice(text.indexOf('### With sampling')).split('###')[1]!.includes('Rotel'))
})

// Scenario: the published run and what is committed beside it.
// Guarantees: page and plot are what `npm run bench:docs` writes from docs/performance.json; without it there is no plot.
test('the published page is what the tool writes', () => {
  if (!existsSync(`${docs}performance.json`)) {
    assert.ok(!page.includes('performance.svg') && !existsSync(`${docs}performance.svg`))
    return
  }
  const report = JSON.parse(readFileSync(`${docs}performance.json`, 'utf8'))
  assert.deepEqual(report.problems, [])
  for (const [name, content] of pages(report, page))
    assert.equal(readFileSync(docs + name, 'utf8'), content, `docs/${name}: npm run bench:docs`)
})
