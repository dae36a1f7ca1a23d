/** The load benchmark with the real peers: that each takes its config and its load, and that every span is counted. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../../bench/load/all.ts'
import { PRESETS } from '../../bench/load/cases.ts'
import { placeOf } from '../../bench/load/report.ts'
import { need } from '../services/cache.ts'
import { collectorProgram } from '../services/collector.ts'
import { rotelProgram } from '../services/rotel.ts'

// Scenario: a few requests of two sizes, plain and compressed, through every case at every server there is.
// Guarantees: all start, all spans arrive and are sent on, the samplers keep the same spans: the figures of a long run
// are about the same work.
test('the benchmark compares the same work', { timeout: 300_000 }, async t => {
  if ((await need(t, 'the Collector', collectorProgram)) === undefined) return
  if ((await need(t, 'Rotel', rotelProgram)) === undefined) return
  const report = await load({
    ...PRESETS.full,
    ...{ preset: 'test', spans: [100, 2000], rounds: 1, scale: 0.02, pacedSeconds: 0.5, targets: undefined },
  })
  assert.deepEqual(report.problems, [])
  assert.deepEqual(Object.keys(report.machine.peers), ['otelcol', 'rotel'])
  const who = (results: readonly { target: string }[]): string[] => [
    ...new Set(results.map(one => one.target)),
  ]
  const gateways = ['sluice', 'otelcol', 'rotel']
  for (const name of ['nop', 'export'] as const) {
    const cells = report.cells.filter(cell => cell.case === name)
    for (const gateway of gateways) assert.ok(who(cells).includes(gateway), `${gateway} in ${name}`)
  }
  for (const results of [report.paced, report.memory])
    for (const gateway of gateways) assert.ok(who(results).includes(gateway), gateway)
  const edited = report.cells.filter(cell => cell.case === 'edit' && !cell.target.startsWith('bare'))
  assert.equal(edited.length, 2 * 4)
  for (const cell of edited) {
    const [kept] = cell.kept
    assert.ok(kept! > 0.05 && kept! < 0.2, `${placeOf(cell)} ${cell.target} kept ${kept}`)
  }
  for (const cell of report.cells) assert.ok(cell.cpuUs[0]! > 0, `${placeOf(cell)} ${cell.target}`)
})
