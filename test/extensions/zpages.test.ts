import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { HostDescription } from '../../core/component/contract.ts'
import { Account } from '../../core/component/ledger.ts'
import { factory } from '../../extensions/zpages.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig } from '../kit/read-config.ts'

async function setUp(t: TestContext, config: Record<string, unknown> = {}) {
  const settings = testSettings('extension', 'zpages')
  const account = new Account('exporter', 'otlp', 'exporter/otlp')
  account.of('traces').in = 12_345
  account.drop('traces', 7, { name: 'retries_exhausted', intended: false })
  const description: HostDescription = {
    pipelines: [{ id: 'traces/<b>', receivers: ['otlp'], processors: ['batch', 'x'], exporters: ['otlp'] }],
    extensions: ['zpages', 'a&b'],
    health: new Map([
      ['exporter/otlp', { state: 'recoverable_error', message: '<script>alert(1)</script>' }],
    ]),
    accounts: [account],
    lastReload: { at: 0, outcome: 'rejected', problems: ['a.yaml:1:1: "<b>" is wrong'] },
  }
  settings.host.describe = () => description as ReturnType<typeof settings.host.describe>
  const storage = { start: async () => {}, stop: async () => {}, queue: async () => undefined }
  settings.host.extensions.set('a&b', storage)
  const extension = factory.create(
    readConfig(factory.config, { endpoint: '127.0.0.1:0', ...config }),
    settings,
  )
  await extension.start()
  t.after(() => extension.stop(performance.now()))
  const ask = async (path: string) => {
    const answer = await fetch(`http://${extension.addresses!.get('http')}${path}`)
    return { status: answer.status, body: await answer.text() }
  }
  return { extension, ask }
}

// Scenario: every page of the Collector is asked for, and one that does not exist.
// Guarantees: they answer with HTML that needs nothing from elsewhere; expvarz only when it is enabled.
test('the Collector’s pages are there', async t => {
  const { extension, ask } = await setUp(t)
  for (const name of ['servicez', 'pipelinez', 'extensionz', 'featurez', 'tracez']) {
    const { status, body } = await ask(`/debug/${name}`)
    assert.equal(status, 200, name)
    assert.match(body, /^<!DOCTYPE html>/)
    assert.equal(/https?:\/\//.test(body), false, name)
  }
  assert.equal((await ask('/debug/expvarz')).status, 404)
  assert.equal((await ask('/debug/other')).status, 404)
  await extension.stop(performance.now())
  const more = await setUp(t, { expvar: { enabled: true } })
  assert.equal(typeof JSON.parse((await more.ask('/debug/expvarz')).body).memstats.rss, 'number')
  await more.extension.stop(performance.now())
})

// Scenario: names and messages with HTML in them.
// Guarantees: pipelines, numbers, reasons and what extensions offer are shown; nothing from outside is markup.
test('what is shown is escaped', async t => {
  const { extension, ask } = await setUp(t)
  const { body } = await ask('/debug/pipelinez')
  assert.match(body, /traces\/&lt;b&gt;/)
  assert.match(body, /batch → x/)
  assert.match(body, /12345/)
  assert.match(body, /retries_exhausted 7/)
  assert.match(body, /recoverable_error: &lt;script&gt;/)
  assert.equal(body.includes('<script>'), false)
  assert.match((await ask('/debug/extensionz')).body, /<td>a&amp;b<\/td><td>keeps queues<\/td>/)
  await extension.stop(performance.now())
})

// Scenario: the config that was read last cannot be run.
// Guarantees: servicez says so, and what is wrong with it.
test('a rejected config is shown', async t => {
  const { ask } = await setUp(t)
  const { body } = await ask('/debug/servicez')
  assert.match(body, /rejected: the config before it still runs/)
  assert.match(body, /a\.yaml:1:1: &quot;&lt;b&gt;&quot; is wrong/)
})
