import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyOf, DOORS } from '../../../bench/load/cases.ts'
import { openSender } from '../../../bench/load/paced.ts'
import { LoadServer } from '../../../bench/load/server.ts'
import { targets } from '../../../bench/load/targets.ts'
import { freePort } from '../../services/ports.ts'

// Scenario: plain and compressed requests go to each bare sink, one after another over the same connections.
// Guarantees: the senders of the paced case speak both protocols, and every byte of every sink is counted.
test('every bare sink takes what is sent', async () => {
  const sinks = targets('nop').filter(({ name }) => name.startsWith('bare '))
  assert.equal(sinks.length, 4)
  for (const sink of sinks) {
    const server = await LoadServer.start(sink, undefined)
    try {
      const [door] = sink.doors
      let expected = 0
      for (const encoding of ['plain', 'gzip'] as const) {
        const body = bodyOf(100, encoding)
        const sender = openSender(door!, server.ports[door!], body)
        for (let i = 0; i < 5; i++) assert.equal(await sender.send(), true, `${sink.name} ${encoding}`)
        sender.close()
        expected += 5 * body.plainBytes
      }
      assert.equal((await server.arrived()).bytes, expected, sink.name)
    } finally {
      await server.stop()
    }
  }
})

// Scenario: nobody listens, or the server ends while the sender is open.
// Guarantees: sending says so and never throws.
test('a sender without a server fails request by request', async () => {
  for (const door of DOORS) {
    const nobody = openSender(door, await freePort(), bodyOf(10, 'plain'))
    assert.equal(await nobody.send(), false)
    nobody.close()
    const sink = targets('nop').find(
      ({ name }) => name === (door === 'http' ? 'bare node:http' : 'bare node:http2'),
    )
    const server = await LoadServer.start(sink!, undefined)
    const sender = openSender(door, server.ports[door], bodyOf(10, 'plain'))
    assert.equal(await sender.send(), true)
    await server.stop()
    assert.equal(await sender.send(), false)
    assert.equal(await sender.send(), false)
    sender.close()
    await assert.rejects(server.arrived(), /ended by SIGTERM/)
  }
})
