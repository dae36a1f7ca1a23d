import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logTicks, plot, short } from '../../bench/plot.ts'
import { knownReport } from './report.ts'

const svg = plot(knownReport())

/** Everything that stands in `attribute` of tags of this kind. */
const attributes = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, value]) => value!)

// Scenario: a report with four series, five sizes and four ways in.
// Guarantees: a panel for each way, every series with a point for every size, and no point outside the picture.
test('the plot has every point', () => {
  for (const title of ['HTTP', 'gRPC', 'HTTP, gzip', 'gRPC, gzip'])
    assert.ok(svg.includes(`>${title}</text>`), title)
  for (const name of ['Sluice', 'Collector', 'Rotel', 'bare sink'])
    assert.ok(svg.includes(`>${name}</text>`), name)
  const lines = attributes(svg, /<polyline[^>]* points="([^"]+)"/g)
  assert.equal(lines.length, 4 * 4)
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number)
  for (const line of lines) {
    const points = line.split(' ').map(point => point.split(',').map(Number))
    assert.equal(points.length, 5)
    for (const [x, y] of points) assert.ok(x! > 0 && x! < width! && y! > 0 && y! < height!, line)
    assert.deepEqual(
      points,
      points.toSorted((a, b) => a[0]! - b[0]!),
    )
  }
  assert.equal(attributes(svg, /class="(range)"/g).length, 4 * 4 * 5)
  assert.ok(!svg.includes('NaN') && !svg.includes('undefined'))
})

// Scenario: the heights of two points in one panel, whose rates are known.
// Guarantees: more spans per CPU-second is higher, and the height is the logarithm of it.
test('heights are logarithms of spans per CPU-second', () => {
  const heights = (id: string): number[] => {
    const line = new RegExp(`<g class="${id}"><polyline[^>]* points="([^"]+)"`).exec(svg)![1]!
    return line.split(' ').map(point => Number(point.split(',')[1]))
  }
  const [sluice, collector] = [heights('sluice'), heights('otelcol')]
  // 1 span: 101 us against 55. 512 spans: 612 us against 2610.
  assert.ok(sluice[0]! > collector[0]!)
  assert.ok(sluice[3]! < collector[3]!)
  const perLog = (collector[3]! - sluice[3]!) / Math.log(2610 / 612)
  assert.ok(Math.abs((sluice[0]! - collector[0]!) / Math.log(101 / 55) - perLog) < 1)
})

// Scenario: the styles.
// Guarantees: light without any support for themes, dark with it, each series in both, nothing loaded from elsewhere.
test('light and dark', () => {
  const [light, dark] = svg.split('@media (prefers-color-scheme:dark)')
  for (const id of ['sluice', 'otelcol', 'rotel', 'bare']) {
    assert.ok(light!.includes(`.${id} .line`) && dark!.includes(`.${id} .line`), id)
  }
  assert.ok(light!.includes('.page{fill:#ffffff}') && dark!.includes('.page{fill:#0d1117}'))
  assert.ok(!svg.includes('var('), 'not every viewer knows CSS variables')
  assert.deepEqual(attributes(svg, /(https?:[^"]+)/g), ['http://www.w3.org/2000/svg'])
})

// Scenario: reports without a series, without a way in, with a round that was not measured, and with nothing to plot.
// Guarantees: what is not there is left out, also of the legend; nothing at all is an error.
test('plots of part of a run', () => {
  const report = knownReport()
  const some = report.cells.filter(({ target, door }) => target !== 'rotel' && door === 'http')
  const part = plot({ cells: some.map(cell => ({ ...cell, cpuUs: [cell.cpuUs[0]!, null, null] })) })
  assert.ok(!part.includes('Rotel') && !part.includes('>gRPC<') && !part.includes('NaN'))
  assert.throws(() => plot({ cells: report.cells.filter(cell => cell.case === 'edit') }), /nothing to plot/)
})

// Scenario: ranges of values within a decade, over some, and of one value.
// Guarantees: the ticks hold the values between the first and the last, and there are two at least.
test('ticks', () => {
  assert.deepEqual(logTicks([7000, 1_300_000]), [5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6])
  assert.deepEqual(logTicks([100, 200]), [100, 200])
  assert.deepEqual(logTicks([100]), [100, 200])
  assert.deepEqual(logTicks([0.3, 0.4]), [0.2, 0.5])
  assert.deepEqual([950, 20_000, 1_500_000, 2].map(short), ['950', '20 k', '1.5 M', '2'])
})
