import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Batch, batchOf } from '../../../core/component/batch.ts'
import { NO_CONTEXT } from '../../../core/component/contract.ts'
import { Rejected } from '../../../core/component/outcome.ts'
import { SIGNALS } from '../../../core/otlp/signals.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { type DebugConfig, factory } from '../../../exporters/debug/index.ts'
import { Output } from '../../../exporters/debug/output.ts'
import { paint, printable } from '../../../exporters/debug/paint.ts'
import { Sampler } from '../../../exporters/debug/sampler.ts'
import { generate } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { testSettings } from '../../kit/parts.ts'
import { GOLDEN, HAND_MADE } from './requests.ts'

const folder = fileURLToPath(new URL('./expected/', import.meta.url))
const goldens = goldenRequests()
const REQUESTS = [
  ...HAND_MADE,
  ...GOLDEN.map(name => {
    const { signal, plain } = goldens.find(golden => golden.name === name)!
    return [name.replace('/', '-'), signal, plain] as const
  }),
]

function configOf(over: Partial<DebugConfig>): DebugConfig {
  return { ...factory.config.absent(), ...over }
}

async function printed(batch: Batch, over: Partial<DebugConfig>): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-debug-')), 'out.txt')
  const exporter = factory.create(
    configOf({ use_internal_logger: false, output_paths: [path], ...over }),
    testSettings('exporter', 'debug'),
    SIGNALS,
  )
  await exporter.start()
  assert.deepEqual(await exporter.send(batch, NO_CONTEXT), { sent: batch.items })
  await exporter.stop(0)
  await exporter.stop(0)
  return readFileSync(path, 'utf8')
}

// The Collector 0.155 numbers scopes in `normal` by their resource; 0.159 and Sluice number them by their place.
const withoutScopeNumbers = (text: string): string => text.replaceAll(/^(Scope\w+) #\d+/gm, '$1 #')

for (const verbosity of ['normal', 'detailed'] as const) {
  for (const [name, signal, request] of REQUESTS) {
    // Scenario: a request is printed to a file, as the Collector 0.155.0 printed it once.
    // Guarantees: the text is the Collector's, line for line.
    test(`${name} at verbosity ${verbosity} reads as in the Collector`, async () => {
      const batch = batchOf(signal, [request], countItems(request, signal))
      const ours = await printed(batch, { verbosity })
      const theirs = readFileSync(`${folder}${name}.${verbosity}.txt`, 'utf8')
      assert.equal(withoutScopeNumbers(ours), withoutScopeNumbers(theirs))
    })
  }
}

// Scenario: a batch of each signal in two chunks, at the default verbosity, through the gateway's log.
// Guarantees: one line with the Collector's message and counts over both chunks.
test('basic logs one line with counts', async () => {
  const expected = {
    traces: ['Traces', 'resource spans', 'spans'],
    metrics: ['Metrics', 'resource metrics', 'metrics', 'data points'],
    logs: ['Logs', 'resource logs', 'log records'],
  } as const
  for (const [name, signal, request] of HAND_MADE) {
    const settings = testSettings('exporter', 'debug')
    const exporter = factory.create(configOf({}), settings, SIGNALS)
    await exporter.start()
    await exporter.send(batchOf(signal, [request, request], 14), NO_CONTEXT)
    await exporter.stop(0)
    const [message, ...counts] = expected[name as keyof typeof expected]
    assert.equal(settings.log.lines.length, 1)
    assert.equal(settings.log.lines[0]!.message, message)
    assert.deepEqual(Object.keys(settings.log.lines[0]!.fields), counts)
    assert.equal(settings.log.lines[0]!.fields[counts.at(-1)!], 14)
    assert.equal(settings.log.lines[0]!.fields[counts[0]], name === 'traces' ? 4 : 2)
  }
})

// Scenario: two chunks of the same spans at verbosity normal.
// Guarantees: resources are numbered over the whole batch.
test('numbers go on over the chunks of a batch', async () => {
  const [, , request] = HAND_MADE[1]!
  const text = await printed(batchOf('logs', [request, request], 6), { verbosity: 'normal' })
  assert.deepEqual(text.match(/^ResourceLog #\d/gm), ['ResourceLog #0', 'ResourceLog #1'])
  assert.match(text, /^Logs\t\{"resource logs": 2, "log records": 6\}\n/)
})

// Scenario: made-up requests of every signal with every field at its edges, profiles with wrong indices among them.
// Guarantees: nothing throws, and every item counts as sent.
test('anything can be shown', async () => {
  const settings = testSettings('exporter', 'debug')
  for (const verbosity of ['normal', 'detailed'] as const) {
    const exporter = factory.create(configOf({ verbosity, sampling_initial: 1000 }), settings, SIGNALS)
    await exporter.start()
    for (const signal of SIGNALS) {
      for (let seed = 0; seed < 8; seed++) {
        const { bytes, untidy } = generate(signal, seed, 3)
        for (const chunk of [bytes, untidy])
          assert.deepEqual(await exporter.send(batchOf(signal, [chunk], 3), NO_CONTEXT), { sent: 3 })
      }
    }
    await exporter.stop(0)
  }
  assert.equal(settings.log.lines.length, 2 * 2 * 4 * 8 * 2)
})

// Scenario: ten batches in a second and one after it, with two shown first and then every third.
// Guarantees: what is shown is what zap's sampler shows; a new second begins anew.
test('sampling thins out a second', () => {
  const sampler = new Sampler(2, 3)
  const shown = Array.from({ length: 10 }, (_, i) => sampler.allows('traces', i))
  assert.deepEqual(shown, [true, true, false, false, true, false, false, true, false, false])
  assert.equal(sampler.allows('logs', 10), true)
  assert.equal(sampler.allows('traces', 1000), true)
  const none = new Sampler(0, 0)
  assert.equal(none.allows('traces', 0), false)
  assert.equal(none.allows('traces', 1), false)
})

// Scenario: a name with an escape sequence goes to a terminal, and to something that is none.
// Guarantees: the terminal gets colours of ours but no control character of theirs; the other gets the plain text.
test('a terminal gets colours and no control characters', async () => {
  const written: string[] = []
  const stream = (isTTY: boolean) => ({
    isTTY,
    write: (text: string, done: () => void) => {
      written.push(text)
      done()
    },
  })
  const text = 'Span #0\n    Name           : \x1b[2Jx\n'
  const before = process.env['NO_COLOR']
  delete process.env['NO_COLOR']
  await new Output('stdout', stream(true)).write('Traces\t{}\n', text)
  process.env['NO_COLOR'] = '1'
  await new Output('stdout', stream(true)).write('Traces\t{}\n', text)
  await new Output('stdout', stream(false)).write('Traces\t{}\n', text)
  if (before === undefined) delete process.env['NO_COLOR']
  else process.env['NO_COLOR'] = before
  const [coloured, plain, raw] = written as [string, string, string]
  assert.match(coloured, /\x1b\[1mSpan #0\x1b\[0m/)
  assert.ok(!coloured.includes('\x1b[2J') && coloured.includes('\\x1b[2Jx'))
  assert.equal(plain, `Traces\t{}\n${printable(text)}\n`)
  assert.equal(raw, `Traces\t{}\n${text}\n`)
  assert.match(paint('    Status code    : Error'), /^\x1b\[31m/)
})

// Scenario: a stream that fails, a file that cannot be opened, and two batches at once.
// Guarantees: the batch is rejected with the reason, start says which file, texts never mix.
test('outputs fail with a reason and do not mix', async () => {
  const broken = { write: (_: string, done: (error: Error) => void) => done(new Error('EPIPE')) }
  await assert.rejects(new Output('stdout', broken).write('a', 'b'), /EPIPE/)
  const config = configOf({ use_internal_logger: false, output_paths: ['/nowhere/x'] })
  const exporter = factory.create(config, testSettings('exporter', 'debug'), SIGNALS)
  await assert.rejects(exporter.start(), /cannot open \/nowhere\/x of output_paths: ENOENT/)
  await exporter.stop(0)
  const full = factory.create(
    { ...config, output_paths: ['/dev/full'] },
    testSettings('exporter', 'debug'),
    SIGNALS,
  )
  await full.start()
  await assert.rejects(full.send(batchOf('logs', [HAND_MADE[1]![2]], 3), NO_CONTEXT), Rejected)
  await full.stop(0)
  const written: string[] = []
  const slow = {
    write: (text: string, done: () => void) =>
      setImmediate(() => {
        written.push(text)
        done()
      }),
  }
  const output = new Output('stdout', slow)
  await Promise.all([output.write('a', '1'), output.write('b', '2')])
  assert.deepEqual(written, ['a1\n', 'b2\n'])
})
