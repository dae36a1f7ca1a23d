/**
 * Index templates for Jaeger's documents: the settings and mappings of its own (1.76), and of newer ones for data
 * streams. Elasticsearch 7 and OpenSearch get legacy templates, whose pattern begins with `*` there; from 8 on templates
 * are composable, and of two that match and have one priority the second would be refused.
 */

import { type DocumentKind, indexBase, prefixed, type Rotation, streamName } from './index-names.ts'

export interface TemplateOptions {
  /** Elasticsearch's major version; 7 for OpenSearch. */
  readonly version: number
  readonly isOpenSearch: boolean
  readonly prefix: string
  readonly rotation: Rotation
  readonly shards: number
  readonly replicas: number
  readonly priority: number
  /** The policy that auto_rollover names. */
  readonly policy: string
}

export interface IndexTemplate {
  /** Of the request that puts it. */
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

const KEYWORD = { type: 'keyword', ignore_above: 256 }
const LONG = { type: 'long' }
const OBJECT = { type: 'object' }

function nested(properties: Readonly<Record<string, unknown>>) {
  return { type: 'nested', dynamic: false, properties }
}

const TAGS = nested({ key: KEYWORD, value: KEYWORD, type: KEYWORD })

/** A tag that is a field is searched as a word, whatever its value is. */
function keywordsBelow(name: string, path: string) {
  return { [name]: { mapping: KEYWORD, path_match: `${path}.*` } }
}

const DYNAMIC_TEMPLATES = [
  keywordsBelow('span_tags_map', 'tag'),
  keywordsBelow('process_tags_map', 'process.tag'),
]

const PROPERTIES: Readonly<Record<DocumentKind, Readonly<Record<string, unknown>>>> = {
  span: {
    traceID: KEYWORD,
    parentSpanID: KEYWORD,
    spanID: KEYWORD,
    operationName: KEYWORD,
    startTime: LONG,
    startTimeMillis: { type: 'date', format: 'epoch_millis' },
    duration: LONG,
    flags: { type: 'integer' },
    logs: nested({ timestamp: LONG, fields: TAGS }),
    process: { properties: { serviceName: KEYWORD, tag: OBJECT, tags: TAGS } },
    references: nested({ refType: KEYWORD, traceID: KEYWORD, spanID: KEYWORD }),
    tag: OBJECT,
    tags: TAGS,
  },
  service: { serviceName: KEYWORD, operationName: KEYWORD },
  dependencies: {},
}

/** The template for one kind of document. */
export function indexTemplate(kind: DocumentKind, options: TemplateOptions): IndexTemplate {
  const { version, prefix, rotation, priority } = options
  const settings = {
    'index.number_of_shards': options.shards,
    'index.number_of_replicas': options.replicas,
    'index.mapping.nested_fields.limit': 50,
    'index.requests.cache.enable': true,
    ...(rotation === 'auto_rollover' ? rollover(kind, options) : {}),
  }
  const isStream = rotation === 'data_stream'
  const properties = isStream ? { '@timestamp': { type: 'date' }, ...PROPERTIES[kind] } : PROPERTIES[kind]
  // Jaeger leaves those of dependencies to Elasticsearch.
  const mappings =
    kind === 'dependencies' ? { properties } : { dynamic_templates: DYNAMIC_TEMPLATES, properties }
  const aliases = rotation === 'auto_rollover' ? { [`${indexBase(prefix, kind)}read`]: {} } : undefined
  const template = { ...(aliases === undefined ? {} : { aliases }), settings, mappings }
  if (isStream) {
    const name = streamName(prefix, kind)
    const body = { priority, index_patterns: [name], data_stream: {}, template }
    return { path: `/_index_template/${encodeURIComponent(name)}`, body }
  }
  const name = encodeURIComponent(prefixed(prefix, `jaeger-${kind}`))
  const pattern = `${indexBase(prefix, kind)}*`
  if (version >= 8)
    return { path: `/_index_template/${name}`, body: { priority, index_patterns: [pattern], template } }
  return { path: `/_template/${name}`, body: { index_patterns: [`*${pattern}`], ...template } }
}

function rollover(kind: DocumentKind, { prefix, isOpenSearch, policy }: TemplateOptions) {
  const alias = `${indexBase(prefix, kind)}write`
  if (isOpenSearch) return { 'plugins.index_state_management.rollover_alias': alias }
  return { 'index.lifecycle.name': policy, 'index.lifecycle.rollover_alias': alias }
}
