/** What an attempt may still do to a batch after it was given up on: nothing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_META } from '../../../core/component/meta.ts'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { MESSAGES, type WriteRequest } from '../../../core/formats/prometheus/remote-write.ts'
import type { HttpAnswer, HttpClient } from '../../../core/transport/http-client.ts'
import { factory } from '../../../exporters/prometheus-remote-write/index.ts'
import { Progress } from '../../../exporters/prometheus-remote-write/progress.ts'
import { Sender } from '../../../exporters/prometheus-remote-write/sender.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig } from '../../kit/read-config.ts'

const request = (name: number): WriteRequest => ({
  message: MESSAGES[0],
  bytes: Uint8Array.of(name),
  items: 1,
  seriesItems: [1],
  samples: 1,
  histograms: 0,
  exemplars: 0,
  example: undefined,
  series: 1,
})

const YES: HttpAnswer = { status: 204, header: () => '', body: new Uint8Array(), cut: false }

interface Sent {
  readonly body: Uint8Array
  readonly answer: (answer: HttpAnswer) => void
  readonly fail: (error: Error) => void
}

/** A sender, one request at a time, whose client answers when the test says so. */
function sender(): { sender: Sender; sent: Sent[] } {
  const sent: Sent[] = []
  const client = {
    send: ({ chunks }: { chunks: Uint8Array[] }): Promise<HttpAnswer> =>
      new Promise((answer, fail) => sent.push({ body: chunks[0]!, answer, fail })),
  }
  const config = readConfig(factory.config, { endpoint: 'http://a', max_batch_request_parallelism: 1 })
  const { log, metrics } = testSettings('exporter', 'prometheus_remote_write')
  return { sender: new Sender(config, client as unknown as HttpClient, 1e6, log, metrics, {}), sent }
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await undefined
}

for (const [late, settle] of [
  ['an answer', ({ answer }: Sent) => answer(YES)],
  ['no answer', ({ fail }: Sent) => fail(new Refused('gone'))],
  ['no credentials', ({ fail }: Sent) => fail(new Rejected('nobody'))],
] as const) {
  // Scenario: an attempt is given up on while it has a request under way; a second one sends it, and all others; then the
  // first one comes to an end after all, in the middle of the second or after it.
  // Guarantees: it sends nothing more, and enters nothing: each request is sent once by the second, and counted once.
  for (const when of [1, 3]) {
    test(`${late} that comes too late, after ${when} requests`, async () => {
      const made = sender()
      const { sent } = made
      const progress = new Progress(3, [request(1), request(2), request(3)].values(), [])
      const first = made.sender.run(progress, NO_META, undefined)
      const second = made.sender.run(progress, NO_META, undefined)
      assert.equal(sent.length, 2)
      for (let nth = 1; nth <= 3; nth++) {
        if (nth === when) {
          settle(sent[0]!)
          await turns()
          assert.equal(sent.length, nth + 1)
        }
        sent[nth]!.answer(YES)
        await turns()
      }
      await assert.rejects(first, /given up on/)
      assert.equal(await second, undefined)
      assert.equal(sent.length, 4)
      assert.deepEqual([progress.itemsLeft, progress.tell()], [0, { sent: 3, losses: [], items: 3 }])
    })
  }
}

// Scenario: the third request cannot be written, because of a bug.
// Guarantees: what was written is sent, the rest is lost with a reason, and the log says that it is a bug.
test('a bug while requests are written', async () => {
  const { sender: own, sent } = sender()
  const progress = new Progress(
    4,
    (function* () {
      yield request(1)
      yield request(2)
      throw new TypeError('oh')
    })(),
    [],
  )
  const run = own.run(progress, NO_META, undefined)
  for (let nth = 0; nth < 2; nth++) {
    sent[nth]!.answer(YES)
    await turns()
  }
  assert.equal(await run, undefined)
  const { losses } = progress.tell()
  assert.deepEqual(
    losses.map(({ items, reason }) => [items, reason]),
    [[2, 'rejected_by_server']],
  )
  assert.match(losses[0]!.message, /could not be written: TypeError: oh/)
})
