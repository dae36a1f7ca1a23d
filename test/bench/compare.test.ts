import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { baselineOf, baselineText } from '../../bench/baseline.ts'
import { main } from '../../bench/compare.ts'
import type { LoadReport } from '../../bench/load/report.ts'
import { knownReport } from './report.ts'

// Scenario: files of runs are compared with a baseline: the same run; Sluice slower by half over gRPC; a run with problems;
// a machine without the Collector; a file without load figures.
// Guarantees: the exit codes and the words that a person or a script acts on.
test('npm run bench:compare of two files', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-compare-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [run, base] = [join(folder, 'run.json'), join(folder, 'base.json')]
  const known = knownReport()
  writeFileSync(base, baselineText(baselineOf(known)))
  const compare = async (file: object): Promise<[code: number, said: string]> => {
    writeFileSync(run, JSON.stringify(file))
    const said: string[] = []
    return [await main([run, base], text => said.push(text)), said.join('\n')]
  }
  const [same, said] = await compare({ load: known })
  assert.equal(same, 0, said)
  assert.match(said, /Compared with the baseline of 2026-11-26/)
  assert.match(said, / 0 worse/)

  const slower: LoadReport = {
    ...known,
    cells: known.cells.map(cell =>
      cell.target === 'sluice' && cell.door === 'grpc'
        ? { ...cell, cpuUs: cell.cpuUs.map(us => us! * 1.5) }
        : cell,
    ),
  }
  const [worse, why] = await compare({ load: slower })
  assert.equal(worse, 1)
  assert.match(why, /nop grpc plain 512 {2}otelcol \/ sluice CPU .*\+50 % .* worse/)
  assert.match(why, /nop grpc plain 512 {2}sluice \/ bare CPU .*\+50 % .* worse/)
  assert.doesNotMatch(why, /nop http .* worse/)

  const [broken, problem] = await compare({ load: { ...known, problems: ['otelcol ended'] } })
  assert.equal(broken, 1)
  assert.match(problem, /its figures mean nothing/)

  const alone = { ...known, machine: { ...known.machine, peers: {} }, cells: [], paced: [], memory: [] }
  const [nothing, missing] = await compare({ load: alone })
  assert.equal(nothing, 2)
  assert.match(missing, /otelcol: 0\.155\.0 in the baseline, not there now/)
  assert.match(missing, /this run says nothing/)

  const [wrong, message] = await compare({ micro: {} })
  assert.equal(wrong, 2)
  assert.match(message, /has no load figures; write it with/)
})
