import assert from 'node:assert/strict'
import { createServer, request, type Server } from 'node:http'
import { test } from 'node:test'
import { Handover } from '../../../core/transport/handover.ts'
import { type ListenAddress, listen } from '../../../core/transport/listen.ts'

const named = (name: string): Server => createServer((_, response) => response.end(name))

/** Who answers at an address, asked over a connection of its own. */
function ask(address: string): Promise<string> {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, agent: false }, response => {
      response.setEncoding('utf8').on('data', resolve)
    })
    asked.on('error', reject).end()
  })
}

const close = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))

const WHERE: ListenAddress = { endpoint: '127.0.0.1:0', transport: 'tcp' }

// Scenario: a server takes over another's socket, gives it back, and is closed; a third one takes it for good and the
// first one is closed.
// Guarantees: the address is the same and always answered, by whoever has the socket; closing one that gave it away
// leaves it open.
test('a socket goes from hand to hand', async t => {
  const [first, second, third] = [named('first'), named('second'), named('third')]
  t.after(() => Promise.all([first, second, third].map(close)))
  const [old, next, last] = [{}, {}, {}]
  const address = await new Handover(new Set()).run(old, () => listen(first, WHERE))
  assert.equal(await ask(address), 'first')

  const failed = new Handover(new Set([old]))
  assert.equal(await failed.run(next, () => listen(second, WHERE)), address)
  assert.equal(await ask(address), 'second')
  await failed.giveBack()
  await close(second)
  assert.equal(await ask(address), 'first')

  assert.equal(await new Handover(new Set([old])).run(last, () => listen(third, WHERE)), address)
  await close(first)
  assert.equal(await ask(address), 'third')
  await close(third)
  await assert.rejects(ask(address))
})

// Scenario: a server wants the address of one that stays, under a handover.
// Guarantees: it is told that the address is taken, as without one.
test('who stays keeps its socket', async t => {
  const first = named('first')
  t.after(() => close(first))
  const endpoint = await new Handover(new Set()).run({}, () => listen(first, WHERE))
  const second = new Handover(new Set([{}])).run({}, () =>
    listen(named('second'), { endpoint, transport: 'tcp' }),
  )
  await assert.rejects(second, /is taken by another program/)
})
