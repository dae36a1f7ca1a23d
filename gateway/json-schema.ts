/**
 * JSON Schema of a whole config file, for editors that complete and check YAML (the YAML language server reads draft
 * 7). A file may be one of several, so nothing is required at the top.
 */

import { EXPANSION_PATTERN } from '../config/scalars.ts'
import type { JsonSchema } from '../config/schema.ts'
import { SIGNALS } from '../core/otlp/signals.ts'
import { telemetryConfig } from '../core/telemetry/config.ts'
import type { CatalogEntry } from './catalog.ts'
import { KINDS, sectionOf } from './kinds.ts'
import { WORKERS } from './workers/share.ts'

const DOCS = {
  receivers: 'How data comes in.',
  processors: 'What is done to data on its way.',
  exporters: 'Where data goes.',
  connectors: 'What ends one pipeline and begins another.',
  extensions: 'What runs beside the pipelines.',
} as const

/** Loads every component. */
export async function configJsonSchema(catalog: readonly CatalogEntry[]): Promise<JsonSchema> {
  const definitions: Record<string, JsonSchema> = {}
  const sections: Record<string, JsonSchema> = {}
  for (const kind of KINDS) {
    const patterns: Record<string, JsonSchema> = {}
    for (const entry of catalog.filter(one => one.kind === kind)) {
      const factory = await entry.load()
      const name = `${kind}.${entry.type}`
      definitions[name] = { ...factory.config.json(), description: factory.doc }
      patterns[idPattern([entry.type, ...entry.aliases])] = { $ref: `#/definitions/${name}` }
    }
    const section = sectionOf(kind) as keyof typeof DOCS
    sections[section] = sectionOfIds(DOCS[section], patterns)
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Sluice config',
    description: 'The config of a Sluice gateway; the keys are those of the OpenTelemetry Collector.',
    type: 'object',
    additionalProperties: false,
    properties: { ...sections, service: serviceSchema() },
    definitions,
  }
}

function idPattern(types: readonly string[]): string {
  return `^(${types.join('|')})(/.+)?$`
}

function sectionOfIds(description: string, patternProperties: Record<string, JsonSchema>): JsonSchema {
  return {
    description,
    type: ['object', 'null', 'string'],
    pattern: EXPANSION_PATTERN,
    additionalProperties: false,
    patternProperties,
  }
}

function ids(description: string): JsonSchema {
  return {
    description,
    type: ['array', 'null', 'string'],
    pattern: EXPANSION_PATTERN,
    items: { type: 'string' },
  }
}

function serviceSchema(): JsonSchema {
  const pipeline = {
    type: ['object', 'null', 'string'],
    pattern: EXPANSION_PATTERN,
    additionalProperties: false,
    properties: {
      receivers: ids('Ids of receivers, and of connectors that give to this pipeline.'),
      processors: ids('Ids of processors, in the order they work.'),
      exporters: ids('Ids of exporters, and of connectors that take from this pipeline.'),
    },
  }
  return {
    description: 'What runs: pipelines, extensions, and what the gateway says of itself.',
    type: ['object', 'null', 'string'],
    pattern: EXPANSION_PATTERN,
    additionalProperties: false,
    properties: {
      extensions: ids('Ids of the extensions to run.'),
      pipelines: sectionOfIds('What leads to what, for one signal each.', { [idPattern(SIGNALS)]: pipeline }),
      telemetry: telemetryConfig.json(),
      workers: WORKERS.json(),
    },
  }
}
