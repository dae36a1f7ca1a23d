import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { ProcessTree } from '../../../bench/load/process-tree.ts'
import { readCounts } from '../../../bench/load/server.ts'
import { acceptedIn } from '../../../bench/load/telemetry-inbox.ts'
import { encodeRequest } from '../../kit/proto.ts'
import { eventually } from '../../services/process.ts'

// Scenario: metrics pages as Sluice and the Collector write them.
// Guarantees: both doors and what left the sampler are read, whatever the order of labels; other lines are not counted.
test('counts are read from a metrics page', () => {
  const page = [
    '# HELP otelcol_receiver_accepted_spans Number of spans',
    'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 120',
    'otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 1.5e+06',
    'otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 7',
    'otelcol_processor_outgoing_items{otel_signal="traces",processor="memory_limiter"} 120',
    'otelcol_processor_outgoing_items{processor="attributes",otel_signal="traces"} 12',
  ]
  assert.deepEqual(readCounts(page.join('\n')), { accepted: { http: 120, grpc: 1_500_000 }, kept: 12 })
  const { accepted, kept } = readCounts(page.slice(0, 1).join('\n'))
  assert.deepEqual(accepted, { http: 0, grpc: 0 })
  assert.ok(Number.isNaN(kept))
})

// Scenario: a metrics request of Rotel about itself.
// Guarantees: its count by protocol is read, other metrics are not.
test('counts are read from reported metrics', () => {
  const point = (protocol: string, asInt: number) => ({
    attributes: [{ key: 'protocol', value: { stringValue: protocol } }],
    asInt,
  })
  const metric = (name: string, ...dataPoints: object[]) => ({ name, sum: { dataPoints } })
  const metrics = [
    metric('rotel_receiver_accepted_spans', point('http', 700), point('grpc', 9)),
    metric('rotel_receiver_refused_spans', point('http', 1)),
  ]
  const request = encodeRequest('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] })
  assert.deepEqual(acceptedIn(request), { http: 700, grpc: 9 })
  assert.deepEqual(acceptedIn(new Uint8Array()), {})
})

// Scenario: a process that starts another one; the child works, holds memory, and ends.
// Guarantees: the child's CPU time and memory count, and what it spent stays counted when it is gone.
test('a process is measured with its children', async t => {
  // Asking for the time costs the system's, so it is asked seldom.
  const work = `const held = Buffer.alloc(64 << 20, 1); const end = process.cpuUsage().user + 300_000
    while (process.cpuUsage().user < end) for (let i = 0; i < 1e6; i++);
    console.log('worked', held.length)
    process.stdin.resume().on('end', () => process.exit())`
  const parent = `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(work)}])
    child.stdout.on('data', text => process.stdout.write(text)); child.on('exit', () => console.log('gone'))
    process.stdin.pipe(child.stdin)`
  const child = spawn(process.execPath, ['-e', parent], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  child.stdout.on('data', text => {
    said += text
  })
  const tree = new ProcessTree(child.pid!)
  await eventually(() => (said.includes('worked') ? true : undefined), 'the work of the child')
  const worked = tree.cpuUs()
  assert.ok(worked >= 300_000, `${worked} us`)
  assert.ok(tree.rssMib().now > 64 && tree.rssMib().peak >= tree.rssMib().now - 1)
  const exited = once(child, 'exit')
  child.stdin.end()
  await eventually(() => (said.includes('gone') ? true : undefined), 'the end of the child')
  assert.ok(tree.cpuUs() >= worked)
  await exited
  assert.ok(tree.cpuUs() >= worked)
  assert.equal(tree.rssMib().now, 0)
})
