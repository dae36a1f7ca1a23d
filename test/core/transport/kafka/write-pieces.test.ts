/** Bytes of batches in the sockets of brokers. */

import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { batchOf } from '../../../../core/component/batch.ts'
import { heldBytes, lend, release, retain } from '../../../../core/component/memory.ts'
import { type Write, writePieces } from '../../../../core/transport/kafka/write-pieces.ts'
import { spoilWhatIsGivenBack } from '../../../kit/lending.ts'
import { eventually } from '../../../services/process.ts'

/** More than the buffers of both sockets together. */
const LARGE = 32 << 20

/** A connection to somebody who does not read yet, and both of its ends. */
async function connection(t: TestContext): Promise<{ socket: Socket; peer: Socket }> {
  const server = createServer({ pauseOnConnect: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  const peer = await accepted
  peer.on('error', () => {})
  t.after(() => {
    socket.destroy()
    peer.destroy()
    server.close()
  })
  return { socket, peer }
}

/** A request whose value is a batch that its last holder has just released. */
function sendAndRelease(socket: Socket): Buffer[] {
  const value = new Uint8Array(LARGE).fill(7)
  lend(value)
  const batch = batchOf('traces', [value], 1)
  retain(batch)
  const pieces = [Buffer.from('head'), Buffer.from(value.buffer), Buffer.from('tail')]
  writePieces(socket, socket.write.bind(socket) as Write, pieces)
  release(batch)
  return pieces
}

// Scenario: the last holder of a batch is done with it while a broker reads nothing; then the broker reads.
// Guarantees: the bytes stay until the system has them, and the broker gets what was sent; then they are given back.
test('a socket holds what it has not written yet', { timeout: 30_000 }, async t => {
  const spoiled = spoilWhatIsGivenBack(t)
  const before = heldBytes()
  const { socket, peer } = await connection(t)
  sendAndRelease(socket)
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(spoiled.buffers, 0)
  assert.equal(heldBytes() - before, LARGE)
  let length = 0
  let foreign = 0
  peer.on('data', part => {
    for (const byte of part as Buffer) if (byte === 0xff) foreign++
    length += part.length
  })
  peer.resume()
  await eventually(() => length === LARGE + 8 || undefined, 'all of it')
  await eventually(() => spoiled.buffers === 1 || undefined, 'the bytes are given back')
  assert.equal(foreign, 0)
  assert.equal(heldBytes(), before)
})

// Scenario: the same, but the connection is closed, with more behind what is being written.
// Guarantees: nothing is held any more, and nothing is given back before the connection is closed.
test('a closed socket holds nothing', { timeout: 30_000 }, async t => {
  const spoiled = spoilWhatIsGivenBack(t)
  const before = heldBytes()
  const { socket } = await connection(t)
  sendAndRelease(socket)
  sendAndRelease(socket)
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(spoiled.buffers, 0)
  socket.destroy()
  await eventually(() => spoiled.buffers === 2 || undefined, 'the bytes are given back')
  assert.equal(heldBytes(), before)
  sendAndRelease(socket)
  await eventually(() => spoiled.buffers === 3 || undefined, 'what a closed socket was given')
})
