/** What replaces modules of kafkajs, against kafkajs as it comes: the same bytes, through its own request code. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const modules = fileURLToPath(new URL('../../../../core/transport/kafka/kafkajs-modules.ts', import.meta.url))

/** The bytes of a produce request with records of many sizes, made in a process of its own. */
function requestBytes(replaced: boolean, compression: number): string {
  const program = `
    const { createRequire } = await import('node:module')
    const require = createRequire(${JSON.stringify(modules)})
    const { loadKafkaJs, piecesOf } = await import(${JSON.stringify(modules)})
    ${replaced ? 'loadKafkaJs()' : ''}
    Date.now = () => 1760000000000
    const produce = require('kafkajs/src/protocol/requests/produce/v7/request')
    const createRequest = require('kafkajs/src/protocol/request')
    const sizes = [0, 1, 15, 16, 17, 100, 2047, 2048, 2049, 5000, 70000, 300000]
    const messages = sizes.map((size, n) => ({
      key: n % 3 === 0 ? null : Buffer.alloc(n % 2 === 0 ? n : 3000, 'key'),
      value: Buffer.alloc(size, 'value ' + n),
      headers: n % 4 === 0 ? {} : { name: Buffer.alloc(n * 300, 'h'), twice: ['a', Buffer.from('b')] },
    }))
    const topicData = ['one', 'two'].map(topic => ({
      topic,
      partitions: [0, 7].map(partition => ({ partition, messages: messages.slice(partition) })),
    }))
    const request = produce({ acks: -1, timeout: 5000, compression: ${compression}, topicData, producerId: 77, producerEpoch: 3 })
    const { buffer } = await createRequest({ correlationId: 5, clientId: 'test', request })
    const pieces = piecesOf(buffer) ?? [buffer]
    if (${replaced && compression === 0} && !pieces.includes(messages.at(-1).value)) throw new Error('it was copied')
    process.stdout.write(Buffer.concat(pieces).toString('base64'))
  `
  const args = ['--no-warnings', '--input-type=module', '-e', program]
  return execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

// Scenario: a produce request with values, keys and headers around every size at which ours does something else.
// Guarantees: not one byte differs, the checksums included, also when it is compressed (with gzip, which kafkajs has). What
// is not compressed leaves without having been copied.
test('a produce request has the same bytes', () => {
  const ours = requestBytes(true, 0)
  assert.ok(ours.length > 1_000_000)
  assert.ok(ours === requestBytes(false, 0))
  assert.ok(requestBytes(true, 1) === requestBytes(false, 1))
})

// Scenario: a request queue that has nothing to do after an answer, then one that waits for room.
// Guarantees: no timer in the first case, and no warning of Node's about one; a timer in the second.
test('an idle request queue sets no timer', () => {
  const program = `
    const { createRequire } = await import('node:module')
    const require = createRequire(${JSON.stringify(modules)})
    ;(await import(${JSON.stringify(modules)})).loadKafkaJs()
    let timers = 0
    const real = setTimeout
    globalThis.setTimeout = (act, ms) => { timers++; if (!(ms > 0)) throw new Error('delay ' + ms); return real(act, ms) }
    const RequestQueue = require('kafkajs/src/network/requestQueue')
    const logger = { debug() {}, warn() {}, error() {} }
    const queue = new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1000, clientId: 'x', broker: 'b', logger })
    const push = correlationId => queue.push({
      entry: { correlationId, apiKey: 0, apiName: 'x', apiVersion: 0, resolve() {}, reject() {} },
      expectResponse: true, sendRequest() {},
    })
    push(1)
    queue.fulfillRequest({ correlationId: 1, payload: null, size: 0 })
    const idle = timers
    push(2); push(3)
    process.stdout.write(idle + ' ' + timers)
    process.exit()
  `
  const args = ['--no-warnings', '--input-type=module', '-e', program]
  assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), '0 1')
})
