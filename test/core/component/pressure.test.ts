import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type MemorySource,
  PROCESS_MEMORY,
  type PressureLimits,
  PressureMonitor,
  pressureMonitor,
} from '../../../core/component/pressure.ts'
import { ManualClock } from '../../kit/clock.ts'
import { RecordingLog } from '../../kit/parts.ts'

const MIB = 2 ** 20

const LIMITS: PressureLimits = {
  checkInterval: 1000,
  limit: 100 * MIB,
  spikeLimit: 20 * MIB,
  minGcIntervalSoft: 10_000,
  minGcIntervalHard: 0,
  maxGcIntervalSoft: 30_000,
  maxGcIntervalHard: 30_000,
}

class FakeMemory implements MemorySource {
  heapUsed = 10 * MIB
  external = 0
  rss = 500 * MIB
  collections = 0
  /** What a collection leaves of `external`. */
  keeps = 1
  readonly cgroup: number | undefined

  constructor(cgroup?: number) {
    this.cgroup = cgroup
  }

  read() {
    return { heapUsed: this.heapUsed, external: this.external, rss: this.rss }
  }

  cgroupLimit(): number | undefined {
    return this.cgroup
  }

  total(): number {
    return 1024 * MIB
  }

  collectGarbage(): void {
    this.collections++
    this.external *= this.keeps
  }
}

function setUp(limits: Partial<PressureLimits> = {}, memory = new FakeMemory()) {
  const clock = new ManualClock()
  const monitor = new PressureMonitor({ ...LIMITS, ...limits }, memory, clock)
  const changes: boolean[] = []
  const log = new RecordingLog()
  const listener = { log, changed: (refusing: boolean) => changes.push(refusing) }
  monitor.join(listener)
  return { changes, clock, listener, log, memory, monitor }
}

// Scenario: buffers outside the heap grow past the soft limit, then shrink.
// Guarantees: data is refused in between, both changes are told and logged readably; RSS alone changes nothing.
test('above the soft limit data is refused, below it is not', async () => {
  const { changes, clock, log, memory, monitor } = setUp()
  memory.external = 69 * MIB
  await clock.advance(1000)
  assert.equal(monitor.refusing, false)
  memory.external = 70 * MIB
  await clock.advance(1000)
  assert.equal(monitor.refusing, true)
  assert.equal(memory.collections, 0, 'min_gc_interval_when_soft_limited has not passed')
  memory.external = 0
  await clock.advance(1000)
  assert.equal(monitor.refusing, false)
  assert.deepEqual(changes, [true, false])
  assert.match(log.lines[0]!.message, /above the soft limit\. Refusing data/)
  assert.deepEqual(log.lines[0]!.fields, { cur_mem_mib: 80, limit_mib: 100 })
  assert.match(log.lines[1]!.message, /back within limits/)
})

// Scenario: memory is measured five times a second, goes up and down with V8's collections for a minute, then is calm.
// Guarantees: data is refused from the first measurement above the limit on, and taken again after one second below it,
// not before; the log has one line of each kind in ten seconds, which says how often.
test('ups and downs make no flapping', async () => {
  const { changes, clock, log, memory, monitor } = setUp({ checkInterval: 200, minGcIntervalSoft: 1e6 })
  for (let i = 0; i < 300; i++) {
    memory.external = i % 2 === 0 ? 75 * MIB : 5 * MIB
    await clock.advance(200)
    assert.equal(monitor.refusing, true)
  }
  assert.deepEqual(changes, [true])
  for (let i = 0; i < 60; i++) {
    memory.external = i % 10 === 0 ? 75 * MIB : 5 * MIB
    await clock.advance(200)
  }
  assert.deepEqual(changes.slice(0, 4), [true, false, true, false])
  assert.equal(changes.length, 12)
  await clock.advance(2_000)
  assert.equal(monitor.refusing, false)
  assert.ok(log.lines.length <= 5, `${log.lines.length} lines`)
  assert.ok(log.lines.some(({ fields }) => Number(fields['times']) > 1))
})

// Scenario: memory is above the hard limit, and a collection frees half of it.
// Guarantees: the collection comes first, and nothing is refused when it helped.
test('a collection that helps comes before refusing', async () => {
  const { changes, clock, memory, monitor } = setUp()
  memory.external = 100 * MIB
  memory.keeps = 0.5
  await clock.advance(1000)
  assert.deepEqual([memory.collections, monitor.refusing, changes], [1, false, []])
})

// Scenario: memory stays above the hard limit, and collections free nothing, for five minutes.
// Guarantees: collections become rarer up to the maximum, as in the Collector.
test('useless collections are backed off', async () => {
  const { clock, memory, monitor } = setUp()
  memory.external = 200 * MIB
  await clock.advance(300_000)
  assert.equal(monitor.refusing, true)
  // At 1 s, then after more than 1.9, 3.8, 7.6, 15.2, 30, 30 ... s, at whole seconds.
  assert.equal(memory.collections, 13)
  const never = setUp({ maxGcIntervalHard: 0 })
  never.memory.external = 200 * MIB
  await never.clock.advance(300_000)
  assert.equal(never.memory.collections, 300)
})

// Scenario: the process's RSS comes near the limit of its container, while heap and buffers are small.
// Guarantees: data is refused, and the log says that it is the container's limit.
test('RSS counts against the container', async () => {
  const { clock, log, memory, monitor } = setUp({ minGcIntervalHard: 1e6 }, new FakeMemory(512 * MIB))
  await clock.advance(1000)
  assert.equal(monitor.refusing, true)
  assert.match(log.lines[0]!.message, /container's limit/)
  memory.rss = 480 * MIB
  await clock.advance(1000)
  assert.equal(monitor.refusing, false)
})

// Scenario: two listeners join a monitor, one while it refuses, and both leave.
// Guarantees: the late one is told at once; without listeners nothing is measured.
test('a monitor runs while somebody listens', async () => {
  const { clock, listener, memory, monitor } = setUp()
  memory.external = 99 * MIB
  await clock.advance(1000)
  const late: boolean[] = []
  const second = { log: new RecordingLog(), changed: (refusing: boolean) => late.push(refusing) }
  monitor.join(second)
  assert.deepEqual(late, [true])
  monitor.leave(listener)
  assert.equal(clock.waiting, 1)
  monitor.leave(second)
  assert.equal(clock.waiting, 0)
})

// Scenario: two processors have equal limits, a third has others; all are made before any of them starts.
// Guarantees: equal limits share one monitor of the process.
test('equal limits share a monitor', () => {
  const limits = { ...LIMITS, limit: 2 ** 40, spikeLimit: 2 ** 30 }
  const first = pressureMonitor(limits)
  assert.equal(pressureMonitor({ ...limits }), first)
  assert.notEqual(pressureMonitor({ ...limits, checkInterval: 7 }), first)
})

// Scenario: the real process: a buffer of 64 MiB is made and let go, and garbage is collected.
// Guarantees: `external` sees buffers, and the forced collection really collects.
test('the process is measured and collected', () => {
  const before = PROCESS_MEMORY.read().external
  let buffer: Buffer | undefined = Buffer.alloc(64 * MIB)
  assert.ok(PROCESS_MEMORY.read().external - before >= 64 * MIB)
  assert.equal(buffer.length, 64 * MIB)
  buffer = undefined
  PROCESS_MEMORY.collectGarbage()
  assert.ok(PROCESS_MEMORY.read().external - before < 64 * MIB)
  assert.ok(PROCESS_MEMORY.total() > 0)
})
