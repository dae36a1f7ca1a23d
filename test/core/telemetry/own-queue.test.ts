import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OwnQueue } from '../../../core/telemetry/own-queue.ts'

function setUp(options: { queueMax?: number; batchMax?: number } = {}) {
  const batches: number[][] = []
  const said: unknown[] = []
  const state = { broken: false, dropped: 0 }
  const queue = new OwnQueue<number>({
    delayMs: 1000,
    queueMax: 10,
    batchMax: 4,
    ...options,
    send: async batch => {
      if (state.broken) throw new Error('away')
      batches.push([...batch])
    },
    dropped: records => {
      state.dropped += records
    },
    failing: error => said.push(error === undefined ? 'well' : 'failing'),
  })
  return { queue, batches, state, said }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

// Scenario: six records with batches of four; the rest waits for the delay.
// Guarantees: a full batch leaves at once, the rest when the delay is over, in order.
test('records leave in batches', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { queue, batches } = setUp()
  for (let i = 0; i < 4; i++) queue.add(i)
  await turn()
  for (let i = 4; i < 6; i++) queue.add(i)
  await turn()
  assert.deepEqual(batches, [[0, 1, 2, 3]])
  t.mock.timers.tick(1000)
  await turn()
  assert.deepEqual(batches, [
    [0, 1, 2, 3],
    [4, 5],
  ])
})

// Scenario: the server is away for three attempts and then back; more is added than the queue takes.
// Guarantees: after three attempts a batch is dropped and counted, what does not fit is too; failing and well again
// are said once each.
test('what cannot be sent is dropped and counted', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { queue, batches, state, said } = setUp()
  state.broken = true
  for (let i = 0; i < 13; i++) queue.add(i)
  await turn()
  assert.equal(state.dropped, 3)
  for (let attempt = 0; attempt < 2; attempt++) {
    t.mock.timers.tick(1000)
    await turn()
  }
  assert.equal(state.dropped, 7)
  state.broken = false
  t.mock.timers.tick(1000)
  await turn()
  assert.deepEqual(batches.flat(), [4, 5, 6, 7, 8, 9])
  assert.deepEqual(said, ['failing', 'well'])
})

// Scenario: it stops with records waiting, once with a server and once without.
// Guarantees: one last try; what is left is counted.
test('stopping sends what there is', async () => {
  const fine = setUp()
  for (let i = 0; i < 3; i++) fine.queue.add(i)
  await fine.queue.stop(performance.now() + 1000)
  assert.deepEqual(fine.batches, [[0, 1, 2]])
  const broken = setUp()
  broken.state.broken = true
  for (let i = 0; i < 3; i++) broken.queue.add(i)
  await broken.queue.stop(performance.now() + 1000)
  assert.equal(broken.state.dropped, 3)
})
