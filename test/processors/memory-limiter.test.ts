import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_CONTEXT } from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import { type MemorySource, pressureMonitor } from '../../core/component/pressure.ts'
import { factory, limitsOf, MemoryLimiter } from '../../processors/memory-limiter.ts'
import { ManualClock } from '../kit/clock.ts'
import { complaints, type Tree } from '../kit/node.ts'
import { numbered } from '../kit/numbered.ts'
import { Sink, testSettings } from '../kit/parts.ts'

const MIB = 2 ** 20

const problems = (keys: Tree) => complaints(factory.config, keys)

// Scenario: memory passes the limit and comes back, with a next part that refuses at the door by itself.
// Guarantees: consume and admit refuse with the time to wait, `next` is not called; afterwards both pass on; items are
// counted by the Collector's names; health tells.
test('it refuses while memory is short', async () => {
  let used = 0
  const source: MemorySource = {
    read: () => ({ heapUsed: 0, external: used, rss: 0 }),
    cgroupLimit: () => undefined,
    total: () => 1000 * MIB,
    collectGarbage: () => {},
  }
  const clock = new ManualClock()
  const settings = testSettings('processor', 'memory_limiter', 'traces')
  const sink = new Sink()
  const closed = new Refused('closed')
  const next = Object.assign(sink, { admit: () => closed })
  const config = { ...factory.config.absent(), check_interval: 1000, limit_mib: 100 }
  const limiter = new MemoryLimiter(pressureMonitor(limitsOf(config, source), source, clock), settings, next)
  await limiter.start()
  await limiter.consume(numbered('traces', 0, 3), NO_CONTEXT)
  assert.equal(limiter.admit('traces'), closed)

  used = 90 * MIB
  await clock.advance(1000)
  await assert.rejects(limiter.consume(numbered('traces', 3, 2), NO_CONTEXT), {
    name: 'Refused',
    message: 'data refused due to high memory usage (90 MiB used, limit 100 MiB); try again later',
    afterMs: 1000,
  })
  assert.match(limiter.admit('traces')!.message, /high memory usage/)
  assert.equal(settings.host.health.get(settings.name)?.state, 'recoverable_error')

  used = 10 * MIB
  await clock.advance(1000)
  await limiter.consume(numbered('traces', 5, 1), NO_CONTEXT)
  assert.equal(settings.host.health.get(settings.name)?.state, 'ok')
  assert.equal(sink.items, 4)
  const metric = (verb: string) =>
    settings.metrics.read(`otelcol_processor_memory_limiter_${verb}_spans{processor="memory_limiter"}`)
  assert.deepEqual([metric('accepted'), metric('refused')], [4, 2])
  await limiter.stop()
  await limiter.stop()
  assert.equal(clock.waiting, 0)
})

// Scenario: limits in MiB, in percent of the machine, in percent of a container, with and without a spike limit.
// Guarantees: the Collector's arithmetic; limit_mib has precedence.
test('limits are what the keys say', () => {
  const source = (cgroup?: number): MemorySource => ({
    read: () => ({ heapUsed: 0, external: 0, rss: 0 }),
    cgroupLimit: () => cgroup,
    total: () => 1000 * MIB,
    collectGarbage: () => {},
  })
  const limits = (overrides: object, cgroup?: number): number[] => {
    const { limit, spikeLimit } = limitsOf({ ...factory.config.absent(), ...overrides }, source(cgroup))
    return [limit / MIB, spikeLimit / MIB]
  }
  assert.deepEqual(limits({ limit_mib: 100 }), [100, 20])
  assert.deepEqual(limits({ limit_mib: 100, spike_limit_mib: 5, limit_percentage: 50 }), [100, 5])
  assert.deepEqual(limits({ limit_percentage: 50 }), [500, 100])
  assert.deepEqual(limits({ limit_percentage: 80, spike_limit_percentage: 10 }, 200 * MIB), [160, 20])
})

// Scenario: the limits of a gateway of four processes, in MiB and in percent.
// Guarantees: each has a quarter of what is written, and knows that the container's memory is not its alone.
test('workers divide the limits', () => {
  const source: MemorySource = {
    read: () => ({ heapUsed: 0, external: 0, rss: 0 }),
    cgroupLimit: () => 800 * MIB,
    total: () => 1000 * MIB,
    collectGarbage: () => {},
  }
  const limits = (overrides: object) => {
    const config = { ...factory.config.absent(), ...overrides }
    const { limit, spikeLimit, processes } = limitsOf(config, source, 4)
    return [limit / MIB, spikeLimit / MIB, processes]
  }
  assert.deepEqual(limits({ limit_mib: 400, spike_limit_mib: 40 }), [100, 10, 4])
  assert.deepEqual(limits({ limit_percentage: 50 }), [100, 20, 4])
})

// Scenario: configs the Collector refuses, and one it takes.
// Guarantees: each mistake is named at its key.
test('configs are checked as in the Collector', () => {
  assert.deepEqual(problems({ check_interval: '1s', limit_mib: 400, spike_limit_mib: 50 }), [])
  assert.deepEqual(problems({}), ['check_interval must be greater than zero', 'test has no limit'])
  assert.deepEqual(problems({ check_interval: '1s', limit_mib: 100, spike_limit_mib: 100 }), [
    'spike_limit_mib must be smaller than limit_mib',
  ])
  assert.deepEqual(problems({ check_interval: '1s', limit_percentage: 50, spike_limit_percentage: 60 }), [
    'spike_limit_percentage must be smaller than limit_percentage',
  ])
  assert.deepEqual(problems({ check_interval: '1s', limit_percentage: 101 }), [
    'limit_percentage 101 is more than 100',
  ])
  assert.deepEqual(
    problems({ check_interval: '1s', limit_mib: 1, min_gc_interval_when_hard_limited: '20s' }),
    ['min_gc_interval_when_soft_limited is less than min_gc_interval_when_hard_limited'],
  )
})
