import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Lifecycle, type NamedPart } from '../../gateway/lifecycle.ts'
import { RecordingLog, TestHost } from '../kit/parts.ts'

function setUp(stages: string[][], behaviour: Record<string, Partial<NamedPart['part']>> = {}) {
  const events: string[] = []
  const host = new TestHost()
  const log = new RecordingLog()
  const named = (name: string): NamedPart => ({
    name,
    part: {
      start: async () => {
        events.push(`start ${name}`)
        await behaviour[name]?.start?.()
      },
      stop: async deadline => {
        events.push(`stop ${name}`)
        await behaviour[name]?.stop?.(deadline)
      },
    },
  })
  const lifecycle = new Lifecycle(
    stages.map(stage => stage.map(named)),
    host,
    log,
  )
  return { events, host, log, lifecycle }
}

const SOON = performance.now() + 10_000

// Scenario: exporters, processors and receivers start and stop.
// Guarantees: one order up and the reverse down; a second stop does nothing; every part ends as stopped.
test('starts back to front and stops front to back', async () => {
  const { events, host, lifecycle } = setUp([['exporter'], ['processor'], ['receiver']])
  await lifecycle.start(1000)
  assert.deepEqual(
    [...host.health.values()].map(({ state }) => state),
    ['ok', 'ok', 'ok'],
  )
  await lifecycle.stop(SOON)
  await lifecycle.stop(SOON)
  assert.deepEqual(events, [
    'start exporter',
    'start processor',
    'start receiver',
    'stop receiver',
    'stop processor',
    'stop exporter',
  ])
  assert.equal(host.health.get('receiver')!.state, 'stopped')
})

// Scenario: the second of three stages cannot start.
// Guarantees: the error names it, what had started is stopped, what had not is left alone.
test('a start that fails is undone and named', async () => {
  const { events, lifecycle } = setUp([['exporter'], ['processor'], ['receiver']], {
    processor: {
      start: async () => {
        throw new Error('no disk', { cause: new Error('EROFS') })
      },
    },
  })
  await assert.rejects(lifecycle.start(1000), /^Error: processor cannot start: no disk: EROFS$/)
  assert.deepEqual(events, ['start exporter', 'start processor', 'stop processor', 'stop exporter'])
})

// Scenario: of two exporters one hangs while it stops, another fails, and a receiver stops before them.
// Guarantees: they stop side by side, the one that hangs is left behind after the deadline, both are said.
test('a part that does not stop is left behind', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const { events, log, lifecycle } = setUp([['hangs', 'fails', 'fine'], ['receiver']], {
      hangs: { stop: () => new Promise(() => {}) },
      fails: {
        stop: async () => {
          throw new Error('cannot')
        },
      },
    })
    await lifecycle.start(1000)
    const stopped = lifecycle.stop(performance.now() + 1000)
    await new Promise(resolve => setImmediate(resolve))
    mock.timers.tick(2000)
    await stopped
    assert.deepEqual(events.slice(4), ['stop receiver', 'stop hangs', 'stop fails', 'stop fine'])
    assert.deepEqual(log.lines.map(({ fields }) => fields['part']).sort(), ['fails', 'hangs'])
  } finally {
    mock.timers.reset()
  }
})

// Scenario: a part reports trouble while it starts.
// Guarantees: having started does not hide it.
test('a part that started unwell stays unwell', async () => {
  const { host, lifecycle } = setUp([['exporter']], {
    exporter: {
      start: async () => host.report('exporter', { state: 'recoverable_error', message: 'nobody there' }),
    },
  })
  await lifecycle.start(1000)
  assert.equal(host.health.get('exporter')!.state, 'recoverable_error')
})
