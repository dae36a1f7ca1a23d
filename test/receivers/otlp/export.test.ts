import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Consumer } from '../../../core/component/contract.ts'
import { NO_META } from '../../../core/component/meta.ts'
import { RequestContext } from '../../../receivers/otlp/context.ts'
import { Exports } from '../../../receivers/otlp/export.ts'
import { generate } from '../../kit/generate.ts'
import { testSettings } from '../../kit/parts.ts'

// Scenario: a request waits behind a full queue when the gateway stops, within a second.
// Guarantees: new ones are let in at first; it is refused as UNAVAILABLE before the time is over, so that it is answered
// and not cut off, and from then on new ones are refused at the door.
test('who waits when the gateway stops is refused in time', async () => {
  const next: Consumer = {
    consume: async (_batch, { signal }) => {
      await once(signal!, 'abort')
      throw signal!.reason
    },
  }
  const exports = new Exports(testSettings('receiver', 'otlp'), { traces: next })
  const context = new RequestContext('http', undefined, undefined)
  const waiting = Promise.resolve(exports.consume('traces', generate('traces', 1, 1).bytes, NO_META, context))
  const deadline = performance.now() + 1000
  exports.stop(deadline)
  assert.deepEqual([exports.admit('traces'), exports.stopping], [undefined, true])
  const keepAlive = setTimeout(() => {}, 5000)
  await assert.rejects(waiting, {
    name: 'Refused',
    status: 'UNAVAILABLE',
    message: /is stopping; send again/,
  })
  clearTimeout(keepAlive)
  assert.ok(performance.now() < deadline)
  assert.equal(exports.admit('traces')?.http, 503)
})
