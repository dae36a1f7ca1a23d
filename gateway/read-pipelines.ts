/** `service::pipelines`, and every reference in it: does it lead to a component, of the right kind, for the signal? */

import { type Check, childPath, type Node, type Position } from '../config/node.ts'
import { didYouMean, nearest } from '../config/suggest.ts'
import type { Kind } from './catalog.ts'
import type { PipelineConfig, Reference } from './gateway-config.ts'
import { parseComponentId, parsePipelineId } from './ids.ts'
import { aKind, KINDS, sectionOf } from './kinds.ts'
import { type Components, entriesOf } from './read-components.ts'

export type AllComponents = Readonly<Record<Kind, Components>>

const LISTS = ['receivers', 'processors', 'exporters'] as const
type ListName = (typeof LISTS)[number]

const KIND_OF: Readonly<Record<ListName, Kind>> = {
  receivers: 'receiver',
  processors: 'processor',
  exporters: 'exporter',
}

export interface ReadPipelinesOptions {
  /** The gate `service.AllowNoPipelines`. */
  readonly allowNone: boolean
  /** Where to point when `pipelines:` is not written. */
  readonly at: Position
}

export function readPipelines(
  node: Node | undefined,
  components: AllComponents,
  options: ReadPipelinesOptions,
  check: Check,
): PipelineConfig[] {
  const path = 'service::pipelines'
  const pipelines: PipelineConfig[] = []
  const ids = new Set<string>()
  const entries = entriesOf(node, path, check)
  if (entries.size === 0 && !options.allowNone) {
    check.error(
      node?.at ?? options.at,
      path,
      'there is no pipeline',
      'write traces: with its receivers and exporters',
    )
  }
  for (const [key, { keyAt, node: content }] of entries) {
    const parsed = parsePipelineId(key)
    if ('wrong' in parsed) check.error(keyAt, path, parsed.wrong, parsed.fix)
    else if (ids.has(parsed.id)) {
      check.error(
        keyAt,
        childPath(path, parsed.id),
        'is written twice, with and without spaces',
        'rename one',
      )
    } else {
      ids.add(parsed.id)
      const lists = readLists(content, childPath(path, parsed.id), keyAt, check)
      pipelines.push({ ...parsed, ...lists, at: keyAt })
    }
  }
  for (const pipeline of pipelines) checkPipeline(pipeline, components, check)
  checkConnectors(pipelines, components, check)
  return pipelines
}

type Lists = Pick<PipelineConfig, ListName>

function readLists(node: Node, path: string, at: Position, check: Check): Lists {
  const entries = entriesOf(node, path, check)
  for (const [key, { keyAt }] of entries) {
    if (!LISTS.some(list => list === key))
      check.error(keyAt, childPath(path, key), 'is not a known key', didYouMean(key, LISTS))
  }
  const read = (name: ListName): Reference[] =>
    readReferences(entries.get(name)?.node, childPath(path, name), check)
  const lists = { receivers: read('receivers'), processors: read('processors'), exporters: read('exporters') }
  if (node.kind !== 'map' && entries.size === 0 && !(node.kind === 'scalar' && node.value === null))
    return lists
  for (const name of ['receivers', 'exporters'] as const) {
    const list = entries.get(name)?.node
    const empty = list === undefined || (list.kind === 'scalar' && list.value === null)
    if (empty || (list.kind === 'list' && list.items.length === 0)) {
      check.error(at, path, `has no ${name}`, `write ${name}: [id]`)
    }
  }
  return lists
}

/** A list of ids. Written twice: an error for processors, which would run twice, and once is enough for the others. */
export function readReferences(node: Node | undefined, path: string, check: Check): Reference[] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return []
  if (node.kind !== 'list') {
    check.error(node.at, path, 'expected a list of ids', 'write [a, b] or one "- " line for each')
    return []
  }
  const references = new Map<string, Reference>()
  for (const [i, item] of node.items.entries()) {
    const written = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined
    const parsed =
      written === undefined
        ? { wrong: 'expected an id', fix: 'write type or type/name' }
        : parseComponentId(written)
    if ('wrong' in parsed) check.error(item.at, childPath(path, i), parsed.wrong, parsed.fix)
    else if (!references.has(parsed.id)) references.set(parsed.id, { id: parsed.id, at: item.at })
    else if (path.endsWith('::processors'))
      check.error(item.at, path, `lists ${parsed.id} twice`, 'give the second one a name of its own')
    else check.warn(item.at, path, `lists ${parsed.id} twice`, 'once is enough')
  }
  return [...references.values()]
}

function checkPipeline(pipeline: PipelineConfig, components: AllComponents, check: Check): void {
  const path = `service::pipelines::${pipeline.id}`
  for (const list of LISTS) {
    const kind = KIND_OF[list]
    const kinds: readonly Kind[] = list === 'processors' ? [kind] : [kind, 'connector']
    for (const reference of pipeline[list]) {
      if (!checkReference(reference, kinds, components, childPath(path, list), check)) continue
      const { factory, config } = components[kind].read.get(reference.id) ?? {}
      if (factory === undefined || !('signals' in factory)) continue
      const at = [reference.at, childPath(path, list)] as const
      if (!factory.signals.includes(pipeline.signal)) {
        const supported = factory.signals.join(', ')
        check.error(...at, `${reference.id} does not support ${pipeline.signal}`, `it supports ${supported}`)
        continue
      }
      const misfit = 'misfit' in factory ? factory.misfit?.(config, pipeline.signal) : undefined
      if (misfit !== undefined) check.error(...at, `${reference.id} does not fit here: ${misfit}`)
    }
  }
}

/** Does the id lead to a component of one of these kinds? Reports it when not. The first kind is the one to expect. */
export function checkReference(
  { id, at }: Reference,
  kinds: readonly Kind[],
  components: AllComponents,
  path: string,
  check: Check,
): boolean {
  if (kinds.some(kind => components[kind].written.has(id))) return true
  const kind = kinds[0]!
  const other = KINDS.find(one => components[one].written.has(id))
  if (other !== undefined) {
    check.error(at, path, `${id} is ${aKind(other)}, not ${aKind(kind)}`, whereListed(other))
    return false
  }
  const near = nearest(
    id,
    kinds.flatMap(one => [...components[one].written.keys()]),
  )
  check.error(
    at,
    path,
    `${id} is not configured`,
    near === undefined ? `write ${id}: below ${sectionOf(kind)}:` : `did you mean "${near}"?`,
  )
  return false
}

function whereListed(kind: Kind): string {
  if (kind === 'connector') return 'list it as an exporter of one pipeline and a receiver of another'
  if (kind === 'extension') return 'list it under service::extensions'
  return `list it under ${sectionOf(kind)}:`
}

/** A connector must stand on both sides, in pipelines whose signals it can go between (service/internal/graph). */
function checkConnectors(
  pipelines: readonly PipelineConfig[],
  components: AllComponents,
  check: Check,
): void {
  for (const [id, { factory }] of components.connector.read) {
    if (factory.kind !== 'connector') continue
    const uses = (side: 'receivers' | 'exporters') =>
      pipelines.flatMap(pipeline => {
        const reference = pipeline[side].find(one => one.id === id)
        return reference === undefined ? [] : [{ pipeline, reference }]
      })
    const ends = uses('exporters')
    const begins = uses('receivers')
    const goes = (from: PipelineConfig, to: PipelineConfig): boolean =>
      factory.routes.some(([a, b]) => a === from.signal && b === to.signal)
    const routes = factory.routes.map(([from, to]) => `${from} to ${to}`).join(', ')
    for (const { pipeline, reference } of ends) {
      if (begins.some(one => goes(pipeline, one.pipeline))) continue
      check.error(
        reference.at,
        `service::pipelines::${pipeline.id}::exporters`,
        begins.length === 0
          ? `the connector ${id} takes ${pipeline.signal} here, but no pipeline receives from it`
          : `the connector ${id} takes ${pipeline.signal} here, but no pipeline receives what it makes of them`,
        `list it under the receivers of another pipeline; it goes from ${routes}`,
      )
    }
    for (const { pipeline, reference } of begins) {
      if (ends.some(one => goes(one.pipeline, pipeline))) continue
      check.error(
        reference.at,
        `service::pipelines::${pipeline.id}::receivers`,
        ends.length === 0
          ? `the connector ${id} gives ${pipeline.signal} here, but no pipeline exports to it`
          : `the connector ${id} gives ${pipeline.signal} here, but no pipeline exports what it needs for them`,
        `list it under the exporters of another pipeline; it goes from ${routes}`,
      )
    }
  }
}
