import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check, formatProblem, type Node } from '../../config/node.ts'
import type { ConnectorFactory } from '../../core/component/contract.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { PipelineConfig } from '../../gateway/gateway-config.ts'
import { buildGraph } from '../../gateway/graph.ts'

const at = (line: number) => ({ file: 'c.yaml', line, column: 1 })

function pipeline(id: string, receivers: string[], exporters: string[], line = 1): PipelineConfig {
  const references = (ids: string[]) => ids.map(name => ({ id: name, at: at(line) }))
  return {
    id,
    signal: id.split('/')[0] as Signal,
    receivers: references(receivers),
    processors: [],
    exporters: references(exporters),
    at: at(line),
  }
}

const NOTHING: Node = { kind: 'scalar', value: null, text: '', fromExpansion: false, at: at(1) }

function graphOf(pipelines: PipelineConfig[], connectors: Record<string, [Signal, Signal][]>) {
  const check = new Check()
  const known = Object.entries(connectors).map(([id, routes]) => {
    const factory = { kind: 'connector', type: id, routes } as unknown as ConnectorFactory
    return [id, { id, factory, config: {}, written: NOTHING, references: [], at: at(1) }] as const
  })
  const graph = buildGraph(
    { connectors: new Map(known), service: { extensions: [], pipelines, telemetry: {}, workers: 1 } },
    check,
  )
  return { graph, said: check.problems.map(formatProblem) }
}

// Scenario: three pipelines in a row, written front first, and one that stands alone.
// Guarantees: each pipeline comes after all that it feeds, so it can be built from the back.
test('pipelines are sorted back to front', () => {
  const { graph, said } = graphOf(
    [
      pipeline('traces', ['in'], ['a']),
      pipeline('traces/2', ['a'], ['b', 'out']),
      pipeline('traces/3', ['b'], ['out']),
      pipeline('logs', ['in'], ['out']),
    ],
    { a: [['traces', 'traces']], b: [['traces', 'traces']] },
  )
  assert.deepEqual(said, [])
  assert.deepEqual(
    graph.backToFront.map(({ id }) => id),
    ['traces/3', 'traces/2', 'traces', 'logs'],
  )
})

// Scenario: one connector takes traces to metrics and to logs, from two pipelines.
// Guarantees: every pair of signals in use is one route, with all its pipelines on both sides.
test('a connector has one route for each pair of signals in use', () => {
  const { graph } = graphOf(
    [
      pipeline('traces', ['in'], ['count']),
      pipeline('traces/2', ['in'], ['count']),
      pipeline('metrics', ['count'], ['out']),
      pipeline('metrics/2', ['count'], ['out']),
      pipeline('logs', ['count'], ['out']),
    ],
    {
      count: [
        ['traces', 'metrics'],
        ['traces', 'logs'],
        ['logs', 'metrics'],
      ],
    },
  )
  assert.deepEqual(
    graph.routes.map(({ from, to, sources, targets }) => [from, to, sources.length, targets.length]),
    [
      ['traces', 'metrics', 2, 2],
      ['traces', 'logs', 2, 1],
    ],
  )
})

// Scenario: two pipelines feed each other through one connector, and a third leads into the circle.
// Guarantees: the circle is reported once, as the whole way round, where the config says it.
test('a circle is explained with its path', () => {
  const { said } = graphOf(
    [
      pipeline('traces/0', ['in'], ['enter'], 3),
      pipeline('traces', ['enter', 'back'], ['forward'], 5),
      pipeline('traces/2', ['forward'], ['back', 'out'], 7),
    ],
    { enter: [['traces', 'traces']], forward: [['traces', 'traces']], back: [['traces', 'traces']] },
  )
  assert.equal(said.length, 1)
  assert.match(said[0]!, /^c\.yaml:5:1: service::pipelines::traces::exporters: /)
  assert.match(said[0]!, /traces -> forward -> traces\/2 -> back -> traces;/)
})

// Scenario: a pipeline receives from the connector it exports to.
// Guarantees: the shortest circle is one too.
test('a pipeline that feeds itself is a circle', () => {
  const { said } = graphOf([pipeline('traces', ['in', 'forward'], ['forward'])], {
    forward: [['traces', 'traces']],
  })
  assert.match(said.join(), /traces -> forward -> traces;/)
})
