import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Fetcher } from '../../../receivers/prometheus/fetch.ts'
import { factory } from '../../../receivers/prometheus/index.ts'
import { jobOf } from '../../../receivers/prometheus/job.ts'
import { JobMeters } from '../../../receivers/prometheus/metrics.ts'
import { Pool, TARGETS_MAX } from '../../../receivers/prometheus/pool.ts'
import type { JobContext } from '../../../receivers/prometheus/scraper.ts'
import { readConfig } from '../../kit/read-config.ts'
import { eventually } from '../../services/process.ts'
import { Harness, job } from './kit.ts'

/** A receiver of a job that takes its targets from `name`, which is there with `text`; and how to write it anew. */
async function fromFile(t: TestContext, name: string, text: string, keys: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-targets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, name)
  writeFileSync(path, text)
  const files = { static_configs: [], file_sd_configs: [{ files: [path] }], ...keys }
  const harness = new Harness(job('', files, { initial_scrape_offset: '1h' }, { scrape_interval: '1h' }))
  t.after(() => harness.receiver.stop(performance.now() + 2000))
  await harness.receiver.start()
  const errors = () => harness.settings.log.lines.filter(({ level }) => level === 'error')
  const targets = () => harness.read('targets{job="j",receiver="prometheus"}')
  return { path, harness, errors, targets }
}

// Scenario: files as editors and programs write them: with tabs, a byte order mark, comments, a comma too many, escapes.
// Guarantees: they are read, also where Prometheus reads no comments in JSON.
test('files of targets in many hands', async t => {
  const one = '{"targets": ["a:1"], "labels": {"x": "\\ud83d\\ude00"}}'
  const files: [name: string, text: string][] = [
    ['tabs.json', '[\n\t{\n\t\t"targets": ["a:1"],\n\t\t"labels": {\n\t\t\t"x": "1"\n\t\t}\n\t}\n]\n'],
    ['bom.json', `\ufeff[${one}]\r\n`],
    ['comment.json', `# who wrote it\n[${one},]`],
    ['bom.yml', '\ufeff- targets: ["a:1"]\n'],
    ['comment.yaml', '# who wrote it\n- targets: ["a:1"] # why\n'],
  ]
  for (const [name, text] of files) {
    const { errors, targets } = await fromFile(t, name, text)
    assert.deepEqual(errors(), [], name)
    assert.equal(targets(), 1, name)
  }
})

// Scenario: a JSON file that is cut to nothing, as it is while somebody writes it; files with what is no target.
// Guarantees: the targets from before stay and the log says where and why; an empty YAML file takes them away.
test('files that are wrong', { timeout: 30_000 }, async t => {
  const good = '[{"targets": ["a:1"]}]'
  const wrong: [text: string, message: RegExp][] = [
    ['', /empty/],
    ['\n', /empty/],
    ['[{"targets": ["a:1"], "labels": {"": "x"}}]', /without a name/],
    ['// who\n[{"targets": ["a:1"]}]', /:1:1: /],
    ['[{"targets": ["a:1"]', /:1:\d+: /],
    ['[{"targets": ["a:1"], "targets": ["b:1"]}]', /:1:\d+: .*written twice/],
  ]
  await Promise.all(
    wrong.map(async ([text, message]) => {
      const { path, errors, targets } = await fromFile(t, 'a.json', good)
      writeFileSync(path, text)
      const { fields } = await eventually(() => errors()[0], `a complaint about ${JSON.stringify(text)}`)
      assert.match(String(fields['error']), message)
      assert.equal(targets(), 1)
    }),
  )
  const { path, targets } = await fromFile(t, 'a.yml', good)
  writeFileSync(path, '')
  await eventually(() => targets() === 0 || undefined, 'no targets')
})

// Scenario: a job is given more targets than it may have; a rule drops enough of them; a target_limit is above them, and
// one below; this process scrapes a thousandth of them.
// Guarantees: the first ones stay, the others are counted and told; the rule and target_limit help.
test('more targets than a job may have', t => {
  const harness = new Harness(job(''))
  const addresses = Array.from({ length: TARGETS_MAX + 5 }, (_, i) => `10.0.${i >> 8}.${i & 255}:9100`)
  const synced = (job_name: string, keys: object) => {
    const { config } = readConfig(factory.config, job('', { job_name, ...keys }))
    const one = jobOf(config.scrape_configs[0]!, config.global)
    const { settings, sink } = harness
    const context: JobContext = {
      job: one,
      fetcher: new Fetcher(one, 'test', settings.log),
      meters: new JobMeters(settings.metrics, 'prometheus', job_name),
      settings,
      next: sink,
      trimSuffixes: false,
      tooMany: undefined,
    }
    const pool = new Pool(context, { wait: 3_600_000, seed: 1n }, { index: 0, of: 1000 })
    t.after(() => pool.stop(performance.now() + 1000, false))
    pool.sync([{ source: 'test', targets: addresses, labels: new Map() }])
    assert.ok(pool.size > 0 && pool.size < 100, `${pool.size}`)
    const error = settings.log.lines.filter(({ level }) => level === 'error').at(-1)
    settings.log.lines.length = 0
    const labels = `{job="${job_name}",receiver="prometheus"}`
    const bad =
      error === undefined ? 0 : settings.metrics.read(`sluice_prometheus_receiver_bad_targets${labels}`)
    return { bad, left: error?.fields['left_out'], failure: context.tooMany?.reason }
  }
  assert.deepEqual(synced('a', {}), { bad: 5, left: 5, failure: undefined })
  const drop = { action: 'drop', source_labels: ['__address__'], regex: '.*\\.7:9100' }
  const none = { bad: 0, left: undefined }
  assert.deepEqual(synced('b', { relabel_configs: [drop] }), { ...none, failure: undefined })
  assert.deepEqual(synced('c', { target_limit: TARGETS_MAX + 5 }), { ...none, failure: undefined })
  assert.deepEqual(synced('d', { target_limit: TARGETS_MAX + 4 }), { ...none, failure: 'target_limit' })
  assert.deepEqual(synced('e', { target_limit: 3 }), { bad: 5, left: 5, failure: 'target_limit' })
})
