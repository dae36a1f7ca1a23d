import assert from 'node:assert/strict'
import { test } from 'node:test'
import { benchArgs, HelpWanted, UsageError } from '../../bench/args.ts'
import { cellsOf } from '../../bench/load/cases.ts'

// Scenario: nothing, a word, the presets.
// Guarantees: everything is run by default, and --quick is the small preset of both.
test('what is run', () => {
  const all = benchArgs([])
  assert.equal(all.micro, true)
  assert.equal(all.load!.preset, 'full')
  assert.deepEqual(all.load!.cases, ['nop', 'edit', 'export', 'spanmetrics', 'autocannon', 'paced', 'memory'])
  const micro = benchArgs(['micro', '--quick', '--out', 'a.json'])
  assert.equal(micro.load, undefined)
  assert.equal(micro.quick, true)
  assert.equal(micro.out, 'a.json')
  const quick = benchArgs(['load', '--quick'])
  assert.equal(quick.micro, false)
  assert.deepEqual(quick.load!.spans, [10, 512])
  assert.equal(quick.load!.rounds, 3)
})

// Scenario: every option that selects.
// Guarantees: they mean load, replace their part of the preset, and are told in the report's preset.
test('selecting', () => {
  const words = '--case paced,nop --door grpc --spans 1,10 --encoding gzip --target sluice,otelcol --rounds 7'
  const { micro, load } = benchArgs(`${words} --seconds 9 --rate 5000 --minutes 3`.split(' '))
  assert.equal(micro, false)
  assert.deepEqual(load!.cases, ['nop', 'paced'])
  assert.deepEqual(load!.doors, ['grpc'])
  assert.deepEqual(load!.spans, [1, 10])
  assert.deepEqual(load!.encodings, ['gzip'])
  assert.deepEqual(load!.targets, ['sluice', 'otelcol'])
  assert.deepEqual([load!.rounds, load!.pacedSeconds, load!.rate, load!.minutes], [7, 9, 5000, 3])
  assert.match(load!.preset, /^full --case paced,nop --door grpc --spans 1,10/)
  const cells = cellsOf(load!, 'nop')
  assert.deepEqual(
    cells.map(({ door, spans, encoding }) => [door, spans, encoding]),
    [
      ['grpc', 1, 'gzip'],
      ['grpc', 10, 'gzip'],
    ],
  )
  assert.deepEqual(cellsOf(load!, 'edit'), [])
  const { load: bare } = benchArgs(['--target', 'bare fastify'])
  assert.deepEqual(bare!.targets, ['bare fastify'])
})

// Scenario: wrong words, numbers and combinations.
// Guarantees: each is refused, and the message names what there is.
test('mistakes are told', () => {
  const wrong: [argv: string[], message: RegExp][] = [
    [['lod'], /"lod" is not a benchmark; there are: micro, load, all/],
    [['load', 'micro'], /"load micro"/],
    [
      ['--case', 'nop,edti'],
      /--case: there is no "edti"; there are: nop, edit, export, spanmetrics, autocannon, paced, memory/,
    ],
    [['--spans', '10,x'], /--spans: "x" is not a whole number from 1 to 20000/],
    [['--spans', '0'], /--spans: "0"/],
    [['--spans', ''], /--spans: ""/],
    [['--rounds', '1.5'], /--rounds: "1.5"/],
    [['--rounds', '-1'], /rounds/],
    [['--target', 'collector'], /there are: sluice, otelcol, rotel/],
    [['micro', '--case', 'nop'], /for load/],
    [['--speed'], /--speed/],
  ]
  for (const [argv, message] of wrong)
    assert.throws(
      () => benchArgs(argv),
      error => error instanceof UsageError && message.test(error.message),
      argv.join(' '),
    )
  assert.throws(() => benchArgs(['--help']), HelpWanted)
})

// Scenario: the full preset's cells.
// Guarantees: what the claims of docs/performance.md are about is measured: every size, both doors, both encodings.
test('the full preset has every cell', () => {
  const { load } = benchArgs(['load'])
  const all = cellsOf(load!, 'nop').map(one => `${one.case} ${one.door} ${one.encoding} ${one.spans}`)
  assert.equal(all.length, 24)
  for (const door of ['http', 'grpc'])
    for (const encoding of ['plain', 'gzip'])
      for (const spans of [1, 10, 100, 512, 2000]) assert.ok(all.includes(`nop ${door} ${encoding} ${spans}`))
  for (const spans of [1, 10, 100, 512]) assert.ok(all.includes(`autocannon http plain ${spans}`))
  assert.deepEqual(new Set(cellsOf(load!, 'export').map(({ encoding }) => encoding)), new Set(['plain']))
  for (const { requests } of cellsOf(load!, 'nop')) assert.ok(requests >= 20)
})
