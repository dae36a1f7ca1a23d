/** A catalog of made-up components, for tests of what is written around components in a config. */

import { duration, integer, optional, secret, section, text } from '../../config/schema.ts'
import type { Factory } from '../../core/component/contract.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { CatalogEntry } from '../../gateway/catalog.ts'

const idle = {
  async start() {},
  async stop() {},
  async consume() {
    return { rejected: 0, message: '' }
  },
  async send() {
    return { sent: 0 }
  },
}

const base = { doc: 'Made up.', stability: 'beta' } as const
const ALL: readonly Signal[] = ['traces', 'metrics', 'logs']

const FACTORIES: readonly Factory[] = [
  {
    ...base,
    kind: 'receiver',
    type: 'otlp',
    signals: ALL,
    config: section(
      {
        protocols: section(
          { grpc: optional(section({ endpoint: text({ doc: '' }) }, { doc: '' })) },
          { doc: '' },
        ),
      },
      { doc: '' },
    ),
    create: () => idle,
  },
  {
    ...base,
    kind: 'receiver',
    type: 'zipkin',
    signals: ['traces'],
    config: section({}, { doc: '' }),
    create: () => idle,
  },
  {
    ...base,
    kind: 'processor',
    type: 'batch',
    signals: ALL,
    config: section(
      {
        timeout: duration({ doc: '', default: '200ms' }),
        send_batch_size: integer({ doc: '', default: 8192 }),
      },
      { doc: '' },
    ),
    create: () => idle,
  },
  {
    ...base,
    kind: 'exporter',
    type: 'debug',
    signals: ALL,
    config: section({ never: text({ doc: '' }) }, { doc: '' }),
    misfit: (config, signal) =>
      (config as { never: string }).never === signal ? `${signal} are not wanted` : undefined,
    create: () => idle,
  },
  {
    ...base,
    kind: 'exporter',
    type: 'otlp_http',
    aliases: ['otlphttp'],
    signals: ALL,
    config: section({ endpoint: text({ doc: '', required: true }), key: secret({ doc: '' }) }, { doc: '' }),
    create: () => idle,
  },
  {
    ...base,
    kind: 'connector',
    type: 'spanmetrics',
    routes: [['traces', 'metrics']],
    config: section({}, { doc: '' }),
    create: () => idle,
  },
  {
    ...base,
    kind: 'connector',
    type: 'forward',
    routes: ALL.map(signal => [signal, signal] as const),
    config: section({}, { doc: '' }),
    create: () => idle,
  },
  {
    ...base,
    kind: 'extension',
    type: 'health_check',
    config: section({}, { doc: '' }),
    create: () => idle,
  },
]

/** `loaded` collects the types whose factories were asked for. */
export function testCatalog(loaded: string[] = []): readonly CatalogEntry[] {
  return FACTORIES.map(factory => ({
    kind: factory.kind,
    type: factory.type,
    aliases: factory.aliases ?? [],
    load: async () => {
      loaded.push(`${factory.kind}/${factory.type}`)
      return factory
    },
  }))
}
