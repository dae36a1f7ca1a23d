import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { STATUS_CODES } from '../../../core/otlp/response.ts'
import { ACCEPT_ENCODING, MessageReader, messageEncoding } from '../../../receivers/otlp/grpc-message.ts'
import { Random } from '../../kit/random.ts'

const LIMIT = 8 * 1024 * 1024

function framed(content: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(content.length, 1)
  return Buffer.concat([head, content])
}

/** `bytes` of a pattern that shows when a piece is in the wrong place. */
function pattern(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 255))
}

// Scenario: messages of 0 bytes to 3 MiB, whole, byte by byte, and cut at random places.
// Guarantees: the very bytes come out, and `complete` is true from the last one on.
test('a message is put together from any pieces', () => {
  const random = new Random(1)
  for (const size of [0, 1, 4, 5, 6, 1000, 70_000, 3 * 1024 * 1024]) {
    const content = pattern(size)
    const whole = framed(content)
    for (const most of [whole.length, ...(size <= 1000 ? [1] : []), Math.ceil(whole.length / 3)]) {
      const reader = new MessageReader('', LIMIT)
      for (let at = 0; at < whole.length; ) {
        assert.equal(reader.complete, false)
        const stop = at + 1 + random.below(most)
        assert.equal(reader.write(whole.subarray(at, stop)), undefined)
        at = stop
      }
      assert.equal(reader.complete, true)
      assert.ok(content.equals(reader.end() as Uint8Array), `${size} bytes in pieces of up to ${most}`)
    }
  }
})

// Scenario: a small message in the middle of a large buffer, a large one in its own, and a prefix that promises 8 MiB.
// Guarantees: the small one is copied and keeps nothing of its neighbours; the large one is not copied; a promise is not
// believed beyond 1 MiB.
test('memory is held for what is here', () => {
  const read = Buffer.alloc(64 * 1024)
  read.set(framed(pattern(100)), 1000)
  const small = new MessageReader('', LIMIT)
  small.write(read.subarray(1000, 1105))
  assert.notEqual((small.end() as Uint8Array).buffer, read.buffer)
  const own = new Uint8Array(framed(pattern(40_000)))
  const large = new MessageReader('', LIMIT)
  large.write(own)
  assert.equal((large.end() as Uint8Array).buffer, own.buffer)
  const before = process.memoryUsage().arrayBuffers
  const promises = Array.from({ length: 16 }, () => {
    const reader = new MessageReader('', LIMIT)
    reader.write(Uint8Array.of(0, 0, 0x80, 0, 0, 1))
    return reader
  })
  assert.ok(process.memoryUsage().arrayBuffers - before < promises.length * 1.5 * 1024 * 1024)
})

// Scenario: what a client must not send.
// Guarantees: the status that gRPC has for it.
test('what is not one message is refused', () => {
  const one = framed(Buffer.from('abc'))
  const rows: [string, Uint8Array[], keyof typeof STATUS_CODES, RegExp][] = [
    ['no message', [], 'UNIMPLEMENTED', /no message/],
    ['two messages', [Buffer.concat([one, one])], 'UNIMPLEMENTED', /more than one/],
    ['two messages in two frames', [one, one], 'UNIMPLEMENTED', /more than one/],
    ['half a prefix', [one.subarray(0, 3)], 'INTERNAL', /prefix/],
    ['half a message', [one.subarray(0, 6)], 'INTERNAL', /after 1 of 3 bytes/],
    ['a flag that is none', [framed(Buffer.from('abc'), 2)], 'INTERNAL', /begins with 2/],
    ['compressed somehow', [framed(gzipSync('abc'), 1)], 'INTERNAL', /grpc-encoding does not say how/],
    ['too large', [Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff)], 'RESOURCE_EXHAUSTED', /4294967295 .* larger/],
  ]
  for (const [what, chunks, name, message] of rows) {
    const reader = new MessageReader('', LIMIT)
    let wrong: unknown
    for (const chunk of chunks) wrong ??= reader.write(chunk)
    const { code, message: said } = (wrong ?? reader.end()) as { code: number; message: string }
    assert.equal(code, STATUS_CODES[name], what)
    assert.match(said, message)
  }
})

// Scenario: a message that is marked, and one that is not, with grpc-encoding gzip; names of encodings.
// Guarantees: only the marked one is inflated; unknown names are undefined.
test('the flag says whether a message is compressed', () => {
  for (const [flag, content] of [
    [1, gzipSync('abc')],
    [0, Buffer.from('abc')],
  ] as const) {
    const reader = new MessageReader('gzip', LIMIT)
    assert.equal(reader.write(framed(content, flag)), undefined)
    assert.equal(Buffer.from(reader.end() as Uint8Array).toString(), 'abc')
  }
  assert.equal(messageEncoding('br'), undefined)
  assert.equal(messageEncoding(undefined), '')
  assert.equal(ACCEPT_ENCODING, 'identity,gzip,deflate,zstd,snappy')
})
