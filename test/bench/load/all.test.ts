import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type LoadOptions, load } from '../../../bench/load/all.ts'
import { PRESETS } from '../../../bench/load/cases.ts'
import { Post } from '../../../bench/load/fleet.ts'
import { ratiosOf } from '../../../bench/load/ratios.ts'
import type { Target } from '../../../bench/load/targets.ts'

const program = fileURLToPath(new URL('unreliable.ts', import.meta.url))

function target(name: string, mode: string): Target {
  return {
    name,
    doors: ['http'],
    command: [process.execPath, program, mode],
    env: ({ http, outlet }) => ({ BENCH_PORT: String(http), BENCH_OUTLET_PORT: String(outlet) }),
    counts: 'signal',
  }
}

/** 68 requests a shot after 60 to warm up. */
const OPTIONS: LoadOptions = {
  ...PRESETS.quick,
  ...{
    preset: 'test',
    cases: ['nop'],
    doors: ['http'],
    spans: [10],
    encodings: ['plain'],
    rounds: 2,
    scale: 0.01,
  },
  targets: undefined,
}

// Scenario: two good servers, two rounds, with new servers for each round and with the same, and the other cases.
// Guarantees: no problems, a figure for every round of every case, ratios, and only the targets that were named.
test('a run measures every round', async () => {
  const servers = [target('sluice', 'good'), target('bare fastify', 'good')]
  const cases = ['nop', 'paced', 'memory'] as const
  const report = await load({ ...OPTIONS, restart: true, cases, pacedSeconds: 0.1 }, () => servers)
  assert.deepEqual(report.problems, [])
  assert.equal(report.rounds, 2)
  const { cells, paced, memory } = report
  assert.deepEqual([cells.length, paced.length, memory.length], [2, 2, 2])
  for (const { cpuUs } of cells) assert.ok(cpuUs.length === 2 && cpuUs.every(us => us! > 0), String(cpuUs))
  for (const { cpuPercent } of paced) assert.ok(cpuPercent.every(share => share! > 0))
  for (const { startMib, peakMib, endMib } of memory) {
    for (const round of [0, 1]) {
      assert.ok(startMib[round]! > 0 && endMib[round]! > 0)
      assert.ok(peakMib[round]! >= startMib[round]! && peakMib[round]! >= endMib[round]!)
    }
  }
  assert.deepEqual(
    ratiosOf(report).map(({ name, rounds }) => [name, rounds.length]),
    [
      ['sluice / bare CPU', 2],
      ['sluice / bare CPU', 2],
      ['sluice / bare peak RSS', 2],
    ],
  )
  const stays = await load({ ...OPTIONS, restart: false }, () => servers)
  assert.deepEqual(stays.problems, [])
  for (const { cpuUs } of stays.cells) assert.ok(cpuUs.length === 2 && cpuUs.every(us => us! > 0))
  const only = await load({ ...OPTIONS, rounds: 1, targets: ['sluice'] }, () => servers)
  assert.deepEqual(
    only.cells.map(cell => cell.target),
    ['sluice'],
  )
})

// Scenario: one server ends in the middle of a shot, beside a good one.
// Guarantees: that is a problem with its exit code and last words; its rounds are empty; the other is measured on.
test('a server that dies is noticed', async () => {
  const servers = [target('otelcol', 'dies'), target('sluice', 'good')].map(one => ({
    ...one,
    name: `${one.name}*`,
  }))
  const report = await load(OPTIONS, () => servers)
  assert.ok(
    report.problems.some(problem =>
      /otelcol\* ended with code 3:\n(.*\n)*out of memory, as it were/.test(problem),
    ),
    report.problems.join('\n'),
  )
  const [dead, good] = ['otelcol*', 'sluice*'].map(name => report.cells.find(cell => cell.target === name))
  assert.ok(good!.cpuUs.every(us => us! > 0))
  assert.ok(dead === undefined || dead.cpuUs[1] === null)
})

// Scenario: servers that refuse some, that take some and count less, and that do not start.
// Guarantees: none of it passes for a good run.
test('a server that loses or refuses is noticed', async () => {
  const refused = await load({ ...OPTIONS, rounds: 1 }, () => [target('sluice', 'refuses')])
  assert.match(refused.problems.join('\n'), /sluice nop http plain 10: [67] of 68 requests failed/)
  const lost = await load({ ...OPTIONS, rounds: 1 }, () => [target('sluice', 'loses')])
  assert.match(lost.problems.join('\n'), /sluice nop http plain 10: 6[12]0 of 680 spans arrived/)
  await assert.rejects(
    load(OPTIONS, () => [target('sluice', 'deaf')]),
    /sluice did not start:\nno config, as it were/,
  )
})

// Scenario: gateways that send on everything, and all but one request of each shot.
// Guarantees: what reaches the outlet is counted span by span.
test('a gateway that does not send on is noticed', async () => {
  for (const [mode, expected] of [
    ['forwards', []],
    ['hoards', ['sluice export http plain 10: 190 of 200 spans were exported']],
  ] as const) {
    const problems: string[] = []
    const post = await Post.start(target('sluice', mode), {
      cores: { server: undefined, driver: undefined },
      exporting: true,
      problem: text => problems.push(text),
      outletMsMax: mode === 'hoards' ? 500 : 20_000,
    })
    try {
      await post.shoot({
        case: 'export',
        pipeline: 'export',
        door: 'http',
        spans: 10,
        encoding: 'plain',
        requests: 20,
      })
    } finally {
      await post.stop()
    }
    assert.deepEqual(problems, expected)
  }
})
