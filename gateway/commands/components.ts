/** `components`: what this build has, as YAML in the shape of the Collector's command. */

import { printYaml } from '../../config/yaml.ts'
import type { Factory } from '../../core/component/contract.ts'
import type { CatalogEntry } from '../catalog.ts'
import { EXIT_OK } from '../cli.ts'
import { KINDS, sectionOf } from '../kinds.ts'
import { version } from '../run.ts'
import type { CommandIo } from './io.ts'

export async function components(io: CommandIo, catalog: readonly CatalogEntry[]): Promise<number> {
  const listed: Record<string, unknown> = { buildinfo: { command: 'sluice', version: version() } }
  for (const kind of KINDS) {
    const entries = catalog.filter(entry => entry.kind === kind)
    const factories = await Promise.all(entries.map(entry => entry.load()))
    listed[sectionOf(kind)] = factories.map(describe)
  }
  io.out(printYaml(listed))
  return EXIT_OK
}

function describe(factory: Factory): Record<string, unknown> {
  const { type, aliases = [], doc, stability } = factory
  return {
    name: type,
    ...(aliases.length === 0 ? {} : { aliases }),
    doc,
    stability: stabilityOf(factory, stability),
  }
}

/** Per signal, or per pair of signals for a connector; an extension has none. */
function stabilityOf(factory: Factory, stability: string): unknown {
  if (factory.kind === 'extension') return stability
  const keys =
    factory.kind === 'connector' ? factory.routes.map(([from, to]) => `${from}-to-${to}`) : factory.signals
  return Object.fromEntries(keys.map(key => [key, stability]))
}
