import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { Handover } from '../../../core/transport/handover.ts'
import { type ListenAddress, listen } from '../../../core/transport/listen.ts'

const named = (name: string): Server => createServer((_, response) => response.end(name))

/** Who answers at an address, asked over a connection of its own. */
function ask(address: string): Promise<string> {
  const [host, port] = address.split(':')
  const where = address.startsWith('/') ? { socketPath: address } : { host, port }
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, agent: false }, response => {
      response.setEncoding('utf8').on('data', resolve)
    })
    asked.on('error', reject).end()
  })
}

const close = (server: Server): Promise<void> => new Promise(resolve => server.close(() => resolve()))

const folder = mkdtempSync(join(tmpdir(), 'sluice-handover-'))
after(() => rmSync(folder, { recursive: true }))
const PLACES: readonly ListenAddress[] = [
  { endpoint: '127.0.0.1:0', transport: 'tcp' },
  { endpoint: join(folder, 'a.sock'), transport: 'unix' },
]

// Scenario: a server takes over another's socket, TCP or Unix, gives it back, and is closed; a third one takes it for
// good and the first one is closed.
// Guarantees: the address is the same and always answered, by whoever has the socket; closing one that gave it away
// leaves it open; the last one takes a Unix socket's file with it.
for (const where of PLACES) {
  test(`a socket goes from hand to hand: ${where.transport}`, t => handOver(t, where))
}

async function handOver(t: TestContext, where: ListenAddress): Promise<void> {
  const [first, second, third] = [named('first'), named('second'), named('third')]
  t.after(() => Promise.all([first, second, third].map(close)))
  const [old, next, last] = [{}, {}, {}]
  const address = await new Handover(new Set()).run(old, () => listen(first, where))
  assert.equal(await ask(address), 'first')

  const failed = new Handover(new Set([old]))
  assert.equal(await failed.run(next, () => listen(second, where)), address)
  assert.equal(await ask(address), 'second')
  await failed.giveBack()
  await close(second)
  assert.equal(await ask(address), 'first')

  assert.equal(await new Handover(new Set([old])).run(last, () => listen(third, where)), address)
  await close(first)
  assert.equal(await ask(address), 'third')
  await close(third)
  await assert.rejects(ask(address))
  assert.equal(existsSync(where.endpoint), false)
}

// Scenario: a server wants the address of one that stays, under a handover.
// Guarantees: it is told that the address is taken, as without one.
test('who stays keeps its socket', async t => {
  const first = named('first')
  t.after(() => close(first))
  const endpoint = await new Handover(new Set()).run({}, () => listen(first, PLACES[0]!))
  const second = new Handover(new Set([{}])).run({}, () =>
    listen(named('second'), { endpoint, transport: 'tcp' }),
  )
  await assert.rejects(second, /is taken by another program/)
})
