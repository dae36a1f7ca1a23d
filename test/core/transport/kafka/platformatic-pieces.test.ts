/** What is changed of @platformatic/kafka, against the package as it comes: the same bytes on the socket. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../../core/transport/kafka/', import.meta.url))

interface Sent {
  /** Base64. */
  readonly bytes: string
  /** How many of the largest values were given to the socket as they are. */
  readonly uncopied: number
}

/**
 * What a server reads of two produce requests with records of many sizes, for each compression, sent in a process of its own:
 * what is changed of the package stays changed.
 */
function sent(changed: boolean, compressions: readonly string[]): Sent[] {
  const program = `
    import { createRequire } from 'node:module'
    import { createServer, Socket } from 'node:net'
    const { Connection, produceV11 } = await import(createRequire(${JSON.stringify(`${folder}x`)}).resolve('@platformatic/kafka'))
    if (${changed}) (await import(${JSON.stringify(`${folder}platformatic-pieces.ts`)})).handOnPieces()
    Date.now = () => 1760000000000
    const sizes = [0, 1, 100, 2049, 5000, 70000, 300000]
    const message = (topic, partition) => (size, n) => ({
      topic, partition,
      key: n % 3 === 0 ? undefined : Buffer.alloc(n * 400, 'key'),
      value: Buffer.alloc(size, 'value ' + n),
      headers: n % 2 === 0 ? new Map() : new Map([[Buffer.from('name'), Buffer.alloc(n * 300, 'h')]]),
    })
    const requests = [
      [...sizes.map(message('one', 0)), ...sizes.map(message('one', 7)), ...sizes.map(message('two', 0))],
      [message('one', 0)(200000, 3)],
    ]
    const values = new Set(requests.flat().filter(one => one.value.length >= 200000).map(one => one.value))
    let uncopied = 0
    const { _writev, _write } = Socket.prototype
    Socket.prototype._writev = function (chunks, done) {
      for (const { chunk } of chunks) if (values.has(chunk)) uncopied++
      return _writev.call(this, chunks, done)
    }
    const read = compression => new Promise(resolve => {
      const parts = []
      uncopied = 0
      const server = createServer(socket => socket.on('data', part => parts.push(part)).on('end', () => {
        server.close()
        resolve({ bytes: Buffer.concat(parts).toString('base64'), uncopied })
      }))
      server.listen(0, '127.0.0.1', async () => {
        const connection = new Connection('test')
        await connection.connect('127.0.0.1', server.address().port)
        const options = { compression, producerId: 77n, producerEpoch: 3 }
        for (const messages of requests) produceV11.api(connection, -1, 5000, messages, options, () => {})
        let quiet = 0
        while (quiet < 5) {
          const before = parts.length
          await new Promise(resolve => setTimeout(resolve, 50))
          quiet = parts.length > 0 && parts.length === before ? quiet + 1 : 0
        }
        connection.socket.end()
      })
    })
    const all = []
    for (const compression of ${JSON.stringify(compressions)}) all.push(await read(compression))
    process.stdout.write(JSON.stringify(all))
  `
  const args = ['--no-warnings', '--input-type=module', '-e', program]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 64 << 20 }))
}

// Scenario: produce requests to several topics and partitions with values, keys and headers of many sizes.
// Guarantees: not one byte differs from what the package sends, the checksums included, whatever the compression; what is
// not compressed reaches the socket without having been copied.
test('produce requests have the same bytes', () => {
  const compressions = ['none', 'gzip', 'zstd']
  const theirsOf = sent(false, compressions)
  for (const [i, ours] of sent(true, compressions).entries()) {
    const compression = compressions[i]!
    const theirs = theirsOf[i]!
    assert.ok(ours.bytes.length > (compression === 'none' ? 1_500_000 : 1000), compression)
    assert.ok(ours.bytes === theirs.bytes, compression)
    assert.equal(theirs.uncopied, 0)
    if (compression === 'none') assert.equal(ours.uncopied, 4)
  }
})
