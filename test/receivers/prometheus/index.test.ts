import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { assertBalanced } from '../../kit/balance.ts'
import { eventually } from '../../services/process.ts'
import { Harness, job, own, pages, target } from './kit.ts'

async function started(t: TestContext, written: unknown): Promise<Harness> {
  const harness = new Harness(written)
  t.after(() => harness.receiver.stop(performance.now() + 2000))
  await harness.receiver.start()
  return harness
}

const some = (harness: Harness, count: number) =>
  eventually(() => harness.scrapes.length >= count || undefined, `${count} scrapes`)

// Scenario: a job with credentials from files, parameters, a token that changes, and a redirection to another host.
// Guarantees: targets are asked as the job says, a new token is used, and no other host gets it.
test('how targets are asked', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-scrape-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const token = join(folder, 'token')
  writeFileSync(token, 'first\n')
  const seen: Record<string, unknown>[] = []
  const elsewhere = await target(t, (request, response) => {
    seen.push({ ...request.headers, url: request.url })
    response.end('a 1\n')
  })
  const port = elsewhere.split(':')[1]
  const address = await target(t, (request, response) => {
    seen.push({ ...request.headers, url: request.url })
    response.writeHead(302, { location: `http://localhost:${port}/other` }).end()
  })
  const keys = {
    metrics_path: '/x y',
    params: { q: ['ü&', 'b'] },
    authorization: { credentials_file: token },
    http_headers: { 'X-Own': { values: ['v'], secrets: ['s'] } },
  }
  const harness = await started(t, job(address, keys))
  // Not the first one: a busy machine may need longer than the timeout of a quarter of a second.
  await eventually(() => harness.scrapes.some(one => own(one)['a'] === 1) || undefined, 'a scrape')
  const first = seen.find(one => one['url'] === '/x%20y?q=%C3%BC%26&q=b')
  const second = seen.find(one => one['url'] === '/other')
  assert.equal(first!['authorization'], 'Bearer first')
  assert.equal(first!['x-own'], 'v, s')
  assert.equal(first!['x-prometheus-scrape-timeout-seconds'], '0.25')
  assert.match(String(first!['user-agent']), /^sluice-test\//)
  assert.deepEqual([second!['authorization'], second!['x-own']], [undefined, undefined])
  writeFileSync(token, 'second\n')
  await eventually(
    () => seen.some(one => one['authorization'] === 'Bearer second') || undefined,
    'the new token',
  )
})

// Scenario: targets in files that appear, change, break and vanish.
// Guarantees: new targets are scraped, those that are gone are marked stale, a broken file changes nothing.
test('targets in files', { timeout: 30_000 }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-targets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [one, two] = [await target(t, pages('a 1\n')), await target(t, pages('a 2\n'))]
  const keys = {
    static_configs: [],
    file_sd_configs: [{ files: [join(folder, '*.json'), join(folder, 'b.yml')] }],
  }
  const harness = await started(t, job('', keys))
  assert.equal(harness.read('targets{job="j",receiver="prometheus"}'), 0)
  writeFileSync(join(folder, 'a.json'), JSON.stringify([{ targets: [one], labels: { zone: 'x' } }]))
  writeFileSync(join(folder, 'b.yml'), `- targets: ["${two}"]\n  labels: {n: 5}\n`)
  const has = (name: string, value: unknown) =>
    eventually(() => harness.scrapes.some(values => values[name] === value) || undefined, `${name} ${value}`)
  await has('a{zone=x}', 1)
  await has('a{n=5}', 2)
  writeFileSync(join(folder, 'a.json'), '[{"targets": 5')
  await eventually(() => harness.settings.log.lines.find(({ level }) => level === 'error'), 'a complaint')
  assert.equal(harness.read('targets{job="j",receiver="prometheus"}'), 2)
  rmSync(join(folder, 'a.json'))
  await has('a{zone=x}', 'stale')
  await has('up{zone=x}', 'stale')
  assert.equal(harness.read('targets{job="j",receiver="prometheus"}'), 1)
})

// Scenario: the pipeline refuses, rejects, and says that it would refuse anything.
// Guarantees: what is lost is in the ledger and the log; while nothing is taken nothing is scraped.
test('a pipeline that takes nothing', async t => {
  let asked = 0
  const address = await target(t, (request, response, nth) => {
    asked++
    pages('a 1\n')(request, response, nth)
  })
  const harness = await started(t, job(address))
  harness.sink.answer = (_, __, nth) => {
    if (nth === 0) throw new Refused('full')
    if (nth === 1) throw new Rejected('never')
    return { rejected: 1, message: 'one of them' }
  }
  await some(harness, 1)
  const { account } = harness.settings
  const page = account.of('metrics')
  assert.ok(page.dropped.get('refused')!.items >= 5)
  assert.ok(page.dropped.get('rejected')!.items >= 6)
  assertBalanced([account])
  Object.assign(harness.sink, { admit: () => new Refused('memory') })
  await eventually(
    () => harness.read('scrapes{job="j",outcome="skipped",receiver="prometheus"}') > 1 || undefined,
    'skipping',
  )
  const before = asked
  await eventually(
    () => harness.read('scrapes{job="j",outcome="skipped",receiver="prometheus"}') > 3 || undefined,
    'skipping',
  )
  assert.equal(asked, before)
})

// Scenario: too many targets, a last scrape before the end, several workers.
// Guarantees: each key does what it says.
test('keys of the receiver', async t => {
  const address = await target(t, pages('a{x="in"} 1\na{x="in"} 2\n'))
  const harness = await started(t, job(address, { scrape_interval: '1h' }, { scrape_on_shutdown: true }))
  const before = harness.scrapes.length
  await harness.receiver.stop(performance.now() + 2000)
  assert.ok(harness.scrapes.length > before)

  const many = await started(
    t,
    job(address, { target_limit: 1, static_configs: [{ targets: [address, 'b:1'] }] }),
  )
  await some(many, 2)
  assert.deepEqual(many.scrapes.slice(0, 2).map(own), [{ up: 0 }, { up: 0 }])
  assert.equal(many.warnings[0]!['reason'], 'target_limit')

  const shares = await Promise.all(
    [1, 2].map(async worker => {
      const harness = new Harness(
        job('', {
          static_configs: [{ targets: Array.from({ length: 20 }, (_, i) => `127.0.0.1:${i + 1}`) }],
        }),
      )
      Object.assign(harness.settings.host, { worker, workers: 2 })
      t.after(() => harness.receiver.stop(0))
      await harness.receiver.start()
      return harness.read('targets{job="j",receiver="prometheus"}')
    }),
  )
  assert.equal(shares[0]! + shares[1]!, 20)
  assert.ok(shares[0]! > 0 && shares[1]! > 0)
})

// Scenario: a certificate and a secret that are not there.
// Guarantees: the receiver does not start, and says which job and key.
test('what it cannot start without', async () => {
  const wrong = async (keys: object, message: RegExp) => {
    const harness = new Harness(job('a:1', keys))
    await assert.rejects(harness.receiver.start(), { message })
  }
  await wrong(
    { bearer_token_file: '/nowhere' },
    /^prometheus: job "j": cannot use bearer_token_file "\/nowhere"/,
  )
  await wrong({ tls_config: { ca_file: '/nowhere' } }, /^prometheus: job "j": .*ca_file/)
})
