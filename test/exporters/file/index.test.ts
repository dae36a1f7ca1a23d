import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { batchOf } from '../../../core/component/batch.ts'
import { type Exporter, NO_CONTEXT } from '../../../core/component/contract.ts'
import { Refused } from '../../../core/component/outcome.ts'
import { jsonToRequest } from '../../../core/otlp/json.ts'
import { SIGNALS, type Signal } from '../../../core/otlp/signals.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { type FileConfig, factory } from '../../../exporters/file/index.ts'
import { anyRequest, generate } from '../../kit/generate.ts'
import { normalize } from '../../kit/normalize.ts'
import { testSettings } from '../../kit/parts.ts'
import { encodeRequest } from '../../kit/proto.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-file-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => mkdtempSync(join(root, `${folders++}-`))

type Over = Partial<FileConfig>

function make(path: string, over: Over = {}) {
  const settings = testSettings('exporter', 'file')
  const config = { ...factory.config.absent(), path, ...over }
  return { exporter: factory.create(config, settings, SIGNALS), settings }
}

async function started(path: string, over: Over = {}): Promise<Exporter> {
  const { exporter } = make(path, over)
  await exporter.start()
  return exporter
}

const grouped = (over: Partial<FileConfig['group_by']> = {}): Over => ({
  group_by: { enabled: true, resource_attribute: 'team', max_open_files: 100, ...over },
})

const ROTATION = { max_megabytes: 1, max_days: 0, max_backups: 100, localtime: false }

function linesOf(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'), 'only whole lines')
  return text.split('\n').slice(0, -1)
}

function messagesOf(path: string): Uint8Array[] {
  const bytes = readFileSync(path)
  const found: Uint8Array[] = []
  for (let pos = 0; pos < bytes.length; ) {
    const length = bytes.readUInt32BE(pos)
    found.push(bytes.subarray(pos + 4, pos + 4 + length))
    assert.equal(found.at(-1)!.length, length, 'only whole messages')
    pos += 4 + length
  }
  return found
}

/** The requests in a file, as protobuf, whatever its format. */
function requestsIn(path: string, signal: Signal, { format, compression }: Over): Uint8Array[] {
  const fromJson = (text: Uint8Array | string): Uint8Array =>
    jsonToRequest(Buffer.from(text as string), signal)
  if (format !== 'proto' && compression !== 'zstd') return linesOf(path).map(fromJson)
  const messages = messagesOf(path).map(one => (compression === 'zstd' ? zstdDecompressSync(one) : one))
  return format === 'proto' ? messages : messages.map(fromJson)
}

const FORMATS: readonly Over[] = [
  { format: 'json' },
  { format: 'proto' },
  { format: 'json', compression: 'zstd' },
  { format: 'proto', compression: 'zstd', compression_params: { level: 1 } },
]

for (const over of FORMATS) {
  // Scenario: made-up batches of all signals, several chunks each, written to a new file and read back.
  // Guarantees: one message a batch, and it says what was sent, by the official decoder.
  test(`what is written equals what was sent: ${over.format} ${over.compression ?? ''}`, async () => {
    for (const signal of SIGNALS) {
      const requests = fc.array(anyRequest(signal, 4), {
        minLength: 1,
        maxLength: signal === 'profiles' ? 1 : 3,
      })
      await fc.assert(
        fc.asyncProperty(fc.array(requests, { maxLength: 4 }), async batches => {
          const path = join(newFolder(), 'out')
          const exporter = await started(path, over)
          const sent: Uint8Array[] = []
          for (const requests of batches) {
            const chunks = requests.map(request => request.untidy)
            const bytes = Buffer.concat(chunks)
            if (bytes.length > 0) sent.push(bytes)
            assert.deepEqual(await exporter.send(batchOf(signal, chunks, 7), NO_CONTEXT), { sent: 7 })
          }
          await exporter.stop(0)
          const read = requestsIn(path, signal, over)
          assert.deepEqual(
            read.map(bytes => normalize(signal, bytes)),
            sent.map(bytes => normalize(signal, bytes)),
          )
        }),
        { numRuns: 4 },
      )
    }
  })
}

// Scenario: 200 batches of three signals are sent at once, as by pipelines that share the exporter.
// Guarantees: each is on a line of its own, whole, and none is missing; stop waits for all of them.
test('concurrent batches never mix', async () => {
  const path = join(newFolder(), 'out.json')
  const exporter = await started(path)
  const sends = Array.from({ length: 200 }, (_, i) => {
    const signal = SIGNALS[i % 3]!
    const marked = {
      [`resource${{ traces: 'Spans', metrics: 'Metrics', logs: 'Logs' }[signal as 'logs']}`]: [
        { schemaUrl: `${i}` },
      ],
    }
    return exporter.send(batchOf(signal, [encodeRequest(signal, marked)], 1), NO_CONTEXT)
  })
  await Promise.all(sends)
  await exporter.stop(0)
  const marks = linesOf(path).map(line => /"schemaUrl":"(\d+)"/.exec(line)![1])
  assert.deepEqual(
    marks.toSorted((a, b) => Number(a) - Number(b)),
    sends.map((_, i) => `${i}`),
  )
})

// Scenario: a file with a line in it, opened with and without `append`.
// Guarantees: append keeps the line, otherwise the file is emptied.
test('append keeps what is there', async () => {
  const request = generate('logs', 1, 1).bytes
  for (const [append, before] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const path = join(newFolder(), 'out.json')
    writeFileSync(path, '{}\n')
    const exporter = await started(path, { append })
    await exporter.send(batchOf('logs', [request], 1), NO_CONTEXT)
    await exporter.stop(0)
    assert.equal(linesOf(path).length, before + 1)
  }
})

// Scenario: an exporter takes the place of another that writes to the same file, which still has a batch to write.
// Guarantees: the file is not emptied; what both write is in it.
test('a file that is open is not emptied', async () => {
  const request = generate('logs', 1, 1).bytes
  const path = join(newFolder(), 'out.json')
  const batch = batchOf('logs', [request], 1)
  const old = await started(path, {})
  await old.send(batch, NO_CONTEXT)
  const next = await started(path, {})
  await next.send(batch, NO_CONTEXT)
  await old.send(batch, NO_CONTEXT)
  await old.stop(0)
  await next.stop(0)
  assert.equal(linesOf(path).length, 3)
})

// Scenario: five messages of 400 kB and one of 2 MB into a file that is rotated at 1 MB, then two generations kept.
// Guarantees: files are put aside under the Collector's names, none is larger but the one large message alone, no
// message is lost while nothing is deleted, and max_backups is kept to.
test('rotation', async () => {
  const big = (size: number): Uint8Array =>
    encodeRequest('logs', { resourceLogs: [{ schemaUrl: 'x'.repeat(size) }] })
  const folder = newFolder()
  const path = join(folder, 'deep/out.json')
  const exporter = await started(path, { rotation: ROTATION })
  const sizes = [400_000, 400_000, 400_000, 400_000, 2_000_000, 400_000]
  for (const size of sizes) await exporter.send(batchOf('logs', [big(size)], 1), NO_CONTEXT)
  await exporter.stop(0)
  const files = readdirSync(join(folder, 'deep')).sort()
  assert.equal(files.length, 4)
  for (const name of files.slice(0, 3))
    assert.match(name, /^out-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}-size\.json$/)
  const counts = files.map(name => linesOf(join(folder, 'deep', name)).length)
  assert.deepEqual(counts, [2, 2, 1, 1])

  const again = await started(path, { rotation: { ...ROTATION, max_backups: 2 } })
  assert.equal(readdirSync(join(folder, 'deep')).length, 3)
  await again.send(batchOf('logs', [big(10)], 1), NO_CONTEXT)
  await again.stop(0)
  assert.equal(linesOf(path).length, 2, 'a rotated file is continued')
})

// Scenario: a folder that is missing, with and without create_directory; a path that is a folder; a read-only folder.
// Guarantees: start makes the folder with its permissions, or fails and says what to do.
test('start fails with a reason or makes the folder', async () => {
  const folder = newFolder()
  const path = join(folder, 'a/b/out.json')
  await assert.rejects(started(path), {
    message: `cannot open ${path}: its folder does not exist; create_directory: true makes it (ENOENT)`,
  })
  await assert.rejects(started(folder), /cannot open .*: it is a folder \(EISDIR\)/)
  const exporter = await started(path, { create_directory: true, directory_permissions: '0700' })
  await exporter.stop(0)
  assert.equal(statSync(join(folder, 'a/b')).mode & 0o777, 0o700)
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500)
    await assert.rejects(started(join(folder, 'x.json')), /permission denied \(EACCES\)/)
    chmodSync(folder, 0o700)
  }
})

// Scenario: the device is full.
// Guarantees: the batch is refused with the reason, again and again, and nothing crashes.
test('a full disk refuses', { skip: !existsSync('/dev/full') }, async () => {
  const exporter = await started('/dev/full')
  const batch = batchOf('logs', [generate('logs', 1, 2).bytes], 2)
  for (let i = 0; i < 2; i++) {
    await assert.rejects(exporter.send(batch, NO_CONTEXT), (error: Refused) => {
      assert.ok(error instanceof Refused)
      assert.equal(error.message, 'cannot write to /dev/full: no space left on the device (ENOSPC)')
      return true
    })
  }
  await exporter.stop(0)
})

// Scenario: stop without start, twice, and a send before start.
// Guarantees: stopping is safe, sending is refused.
test('stop without start', async () => {
  const { exporter } = make(join(newFolder(), 'out.json'))
  await assert.rejects(exporter.send(batchOf('logs', [Uint8Array.of(10, 0)], 0), NO_CONTEXT), Refused)
  await exporter.stop(0)
  await exporter.stop(0)
})

const team = (name: string | undefined, spans: number): Record<string, unknown> => ({
  resource: name === undefined ? {} : { attributes: [{ key: 'team', value: { stringValue: name } }] },
  scopeSpans: [{ spans: Array.from({ length: spans }, () => ({ name: 'x' })) }],
})

// Scenario: resources of two teams in two chunks, and one of no team, with room for one open file.
// Guarantees: each team's file has its spans from both chunks, files that were closed are continued, and what has no
// team is rejected with its count.
test('group_by sorts resources into files', async () => {
  const folder = newFolder()
  const exporter = await started(join(folder, 'teams/*.json'), grouped({ max_open_files: 1 }))
  const chunks = [
    encodeRequest('traces', { resourceSpans: [team('a', 1), team('b', 2), team(undefined, 4)] }),
    encodeRequest('traces', { resourceSpans: [team('a', 3)] }),
  ]
  for (let round = 0; round < 2; round++) {
    const result = await exporter.send(batchOf('traces', chunks, 10), NO_CONTEXT)
    assert.deepEqual(result, {
      sent: 6,
      rejected: [{ items: 4, reason: 'no_path_segment', message: 'the resource has no text attribute team' }],
    })
  }
  await exporter.stop(0)
  for (const [name, spans] of [
    ['a', 4],
    ['b', 2],
  ] as const) {
    const requests = requestsIn(join(folder, `teams/${name}.json`), 'traces', {})
    assert.deepEqual(
      requests.map(bytes => countItems(bytes, 'traces')),
      [spans, spans],
    )
  }
})

// Scenario: values that try to leave the folder, and one too long for a name.
// Guarantees: every file lies below the part of the path before the *; what cannot be a name is rejected for ever.
test('group_by never leaves its folder', async () => {
  const folder = newFolder()
  const exporter = await started(join(folder, 'in/*.json'), grouped())
  const names = [
    '../up',
    '../../up',
    './here',
    'x/../../../up',
    '/etc/x',
    'nul\0x',
    '..',
    '',
    'a/b',
    'y'.repeat(300),
  ]
  for (const name of names) {
    const request = encodeRequest('traces', { resourceSpans: [team(name, 1)] })
    const { sent, rejected } = await exporter.send(batchOf('traces', [request], 1), NO_CONTEXT)
    assert.equal(sent, name.length === 300 ? 0 : 1, name)
    if (sent === 0) assert.equal(rejected![0]!.reason, 'bad_path_segment')
  }
  await exporter.stop(0)
  assert.deepEqual(readdirSync(folder), ['in'])
  const files = readdirSync(join(folder, 'in'), { recursive: true, withFileTypes: true })
  const found = files
    .filter(file => file.isFile())
    .map(file => relative(join(folder, 'in'), join(file.parentPath, file.name)))
  assert.deepEqual(
    found.toSorted(),
    ['...json', '.json', 'a/b.json', 'etc/x.json', 'here.json', 'nulx.json', 'up.json'].toSorted(),
  )
})

// Scenario: profiles of two teams, whose names stand in the request's one dictionary.
// Guarantees: each file's request has the dictionary.
test('group_by keeps the dictionary of profiles', async () => {
  const folder = newFolder()
  const exporter = await started(join(folder, '*.pb'), { ...grouped(), format: 'proto' })
  const resource = (name: string) => ({ attributes: [{ key: 'team', value: { stringValue: name } }] })
  const request = encodeRequest('profiles', {
    dictionary: { stringTable: ['', 'cpu'] },
    resourceProfiles: [{ resource: resource('a') }, { resource: resource('b') }],
  })
  await exporter.send(batchOf('profiles', [request], 0), NO_CONTEXT)
  await exporter.stop(0)
  for (const name of ['a', 'b']) {
    const [written] = requestsIn(join(folder, `${name}.pb`), 'profiles', { format: 'proto' })
    assert.deepEqual(normalize('profiles', written!), {
      dictionary: { stringTable: ['', 'cpu'] },
      resourceProfiles: [{ resource: resource(name) }],
    })
  }
})
