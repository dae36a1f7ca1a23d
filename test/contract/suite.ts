/** What every component must do, whatever it is; components.test.ts runs it over the catalog. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type {
  ConnectorFactory,
  Consumer,
  ExporterFactory,
  Factory,
  Part,
  ProcessorFactory,
  Settings,
} from '../../core/component/contract.ts'
import { direct, sendingChain } from '../../core/component/sending.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { MetricDeclaration, MetricsRegistry } from '../../core/telemetry/metrics.ts'
import type { CatalogEntry } from '../../gateway/catalog.ts'
import { assertBalanced } from '../kit/balance.ts'
import { settled } from '../kit/clock.ts'
import { consumeAsEdge } from '../kit/exporter.ts'
import { spoilWhatIsGivenBack } from '../kit/lending.ts'
import { readConfig } from '../kit/node.ts'
import { numbered } from '../kit/numbered.ts'
import { Sink, testSettings } from '../kit/parts.ts'
import { configOf } from './configs.ts'
import { runScenario, SCENARIOS } from './scenarios.ts'

const STOP_MS = 2000

/** One instance of a component and what it was given. */
interface Instance {
  readonly part: Part
  readonly settings: Settings
  /** Where its metrics were registered that its factory does not declare. */
  readonly undeclared: readonly string[]
}

function instance(entry: CatalogEntry, factory: Factory, from: Signal | undefined, next: Consumer): Instance {
  const declared = new Set(factory.metrics?.map(({ name }) => name))
  const undeclared: string[] = []
  const plain = testSettings(entry.kind, entry.type, from)
  const settings: Settings = {
    ...plain,
    metrics: watching(plain.metrics, ({ name }) => {
      if (!declared.has(name)) undeclared.push(name)
    }),
  }
  const { config, problems } = readConfig(factory.config, configOf(entry))
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
    'give it a config in configs.ts',
  )
  return { part: create(factory, config, settings, next), settings, undeclared }
}

function create(factory: Factory, config: unknown, settings: Settings, next: Consumer): Part {
  if (factory.kind === 'receiver') {
    const all = Object.fromEntries(factory.signals.map(signal => [signal, next]))
    return factory.create(config, settings, all)
  }
  if (factory.kind === 'exporter') return factory.create(config, settings, factory.signals)
  if (factory.kind === 'extension') return factory.create(config, settings)
  return factory.create(config, settings, next)
}

/** Every registration is shown to `seen` first. */
function watching(metrics: MetricsRegistry, seen: (declaration: MetricDeclaration) => void): MetricsRegistry {
  return new Proxy(metrics, {
    get(target, method: keyof MetricsRegistry) {
      return (declaration: MetricDeclaration, ...rest: unknown[]) => {
        seen(declaration)
        return (target[method] as (...all: unknown[]) => unknown)(declaration, ...rest)
      }
    },
  })
}

function signalsInto(factory: Factory): readonly (Signal | undefined)[] {
  if (factory.kind === 'processor') return factory.signals
  if (factory.kind === 'connector') return [...new Set(factory.routes.map(([from]) => from))]
  return [undefined]
}

export function contractOf(entry: CatalogEntry): void {
  describe(`${entry.kind} ${entry.type}`, () => {
    recordTests(entry)
    lifeTests(entry)
    if (entry.kind === 'processor' || entry.kind === 'connector') outcomeTests(entry)
    if (entry.kind === 'exporter') exporterTests(entry)
  })
}

function recordTests(entry: CatalogEntry): void {
  // Scenario: the factory is loaded and compared with its line in the catalog.
  // Guarantees: one name, one kind, and a sentence for every key on the reference page.
  test('its record is complete', async () => {
    const factory = await entry.load()
    assert.equal(factory.type, entry.type)
    assert.equal(factory.kind, entry.kind)
    assert.deepEqual(factory.aliases ?? [], entry.aliases)
    assert.match(factory.doc, /\.$/)
    for (const [key, schema] of Object.entries(factory.config.fields ?? {})) {
      assert.notEqual(schema.doc, '', `${key} has no doc`)
    }
  })

  // Scenario: an empty section; a section with a key that does not exist.
  // Guarantees: defaults read, or every problem says what to do; the unknown key is named.
  test('its config reads', async () => {
    const { config } = await entry.load()
    for (const { wrong, fix, severity } of readConfig(config, {}).problems) {
      if (severity === 'error') assert.notEqual(fix, '', `no advice: ${wrong}`)
    }
    const { problems } = readConfig(config, { ...(configOf(entry) as object), no_such_key: 1 })
    assert.ok(problems.some(({ path, severity }) => path.endsWith('no_such_key') && severity === 'error'))
  })
}

function lifeTests(entry: CatalogEntry): void {
  // Scenario: start and stop; stop twice; stop without start.
  // Guarantees: each returns, and only declared metrics are registered.
  test('it starts and stops', async () => {
    const factory = await entry.load()
    for (const from of signalsInto(factory)) {
      const { part, undeclared } = instance(entry, factory, from, new Sink())
      await part.start()
      await part.stop(performance.now() + STOP_MS)
      await part.stop(performance.now() + STOP_MS)
      await instance(entry, factory, from, new Sink()).part.stop(performance.now() + STOP_MS)
      assert.deepEqual(undeclared, [], 'not in the factory’s metrics')
      // A client that was stopped while it connected hears of that a turn later. Among the mocked timers of the next test
      // it could not clear its own, which would keep this process for ten seconds.
      await settled()
    }
  })
}

function outcomeTests(entry: CatalogEntry): void {
  for (const scenario of SCENARIOS) {
    // Scenario: requests of numbered items, whose senders try again when refused, meet a next part with this habit.
    // Guarantees: nothing is lost without being counted, nothing doubled, and the ledger balances. Requests end when
    // nobody retains them, and nothing that is handed on was read after that.
    test(`outcomes of next: ${scenario.name}`, async t => {
      spoilWhatIsGivenBack(t)
      t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
      const factory = (await entry.load()) as ProcessorFactory | ConnectorFactory
      for (const signal of signalsInto(factory) as readonly Signal[]) {
        const out =
          factory.kind === 'processor' ? signal : factory.routes.find(([from]) => from === signal)![1]
        await runScenario(
          scenario,
          signal,
          out,
          next => {
            const { part, settings } = instance(entry, factory, signal, next)
            return { part: part as Part & Consumer, account: settings.account }
          },
          ms => t.mock.timers.tick(ms),
        )
      }
    })
  }
}

function exporterTests(entry: CatalogEntry): void {
  // Scenario: requests of every signal go through the chain to wherever the config leads, and the gateway stops.
  // Guarantees: every item is out, dropped with a reason, or was refused; nothing stays held.
  test('it accounts for every item', async () => {
    const factory = (await entry.load()) as ExporterFactory
    const { part, settings } = instance(entry, factory, undefined, new Sink())
    const { config } = readConfig(factory.config, configOf(entry))
    const exporter = part as ReturnType<ExporterFactory['create']>
    const sending = factory.sending?.(config)
    const chain =
      sending === undefined ? direct(exporter, settings) : sendingChain(exporter, sending, settings)
    await chain.start()
    for (const signal of factory.signals) {
      for (let i = 0; i < 5; i++) {
        await consumeAsEdge(chain, settings.account, numbered(signal, i * 3, 3)).catch(() => {})
      }
    }
    await chain.stop(performance.now() + STOP_MS)
    assertBalanced([settings.account])
    for (const signal of factory.signals) {
      const page = settings.account.of(signal)
      assert.equal(page.held, 0)
      assert.equal(page.in + page.refused, 15)
    }
  })
}
