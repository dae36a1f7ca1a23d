/** The sections that configure components: `receivers:` and its four siblings. */

import { type Check, childPath, type MapNode, type Node, type Position } from '../config/node.ts'
import { didYouMean, nearest } from '../config/suggest.ts'
import type { Factory } from '../core/component/contract.ts'
import { absentComponent } from './absent.ts'
import type { CatalogEntry, Kind } from './catalog.ts'
import type { ComponentConfig } from './gateway-config.ts'
import { parseComponentId } from './ids.ts'
import { aKind, KINDS, sectionOf } from './kinds.ts'

export interface Components<F extends Factory = Factory> {
  /** Every id that is written, with mistakes or without, so that a reference to it is no second mistake. */
  readonly written: ReadonlyMap<string, Position>
  /** Those whose config could be read. */
  readonly read: ReadonlyMap<string, ComponentConfig<F>>
}

/** Loads the factories of the types that are written, and no others. */
export async function readComponents(
  kind: Kind,
  root: MapNode,
  catalog: readonly CatalogEntry[],
  check: Check,
): Promise<Components> {
  const path = sectionOf(kind)
  const node = root.entries.get(path)?.node
  const written = new Map<string, Position>()
  const read = new Map<string, ComponentConfig<Factory>>()
  for (const [key, { keyAt, node: config }] of entriesOf(node, path, check)) {
    const parsed = parseComponentId(key)
    if ('wrong' in parsed) {
      check.error(keyAt, path, parsed.wrong, parsed.fix)
      continue
    }
    const { id, type } = parsed
    if (written.has(id)) {
      check.error(
        keyAt,
        childPath(path, id),
        'is written twice, with and without spaces',
        'rename one of the two',
      )
      continue
    }
    written.set(id, keyAt)
    const entry = catalog.find(one => one.kind === kind && (one.type === type || one.aliases.includes(type)))
    if (entry === undefined) {
      reportUnknown(kind, type, catalog, (wrong, fix) => check.error(keyAt, childPath(path, id), wrong, fix))
      continue
    }
    if (entry.type !== type) {
      check.warn(keyAt, childPath(path, id), `"${type}" is a deprecated name`, `write ${entry.type}`)
    }
    const factory = await entry.load()
    const whole = factory.gather?.(config, root, childPath(path, id), check) ?? config
    const understood = factory.config.read(whole, childPath(path, id), check)
    const references = check.references.splice(0)
    read.set(id, { id, factory, config: understood, written: whole, references, at: keyAt })
  }
  return { written, read }
}

const NO_ENTRIES: MapNode['entries'] = new Map()

/** What is in a section that maps ids to something; null is an empty one. */
export function entriesOf(node: Node | undefined, path: string, check: Check): MapNode['entries'] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return NO_ENTRIES
  if (node.kind === 'map') return node.entries
  check.error(node.at, path, 'expected a map from ids to configs', 'write "id:" lines below it')
  return NO_ENTRIES
}

const spelling = (type: string): string => type.toLowerCase().replaceAll('_', '')

/** Four cases: it is spelled in another way, it is of another kind, the Collector has it, or it is a typo. */
function reportUnknown(
  kind: Kind,
  type: string,
  catalog: readonly CatalogEntry[],
  report: (wrong: string, fix: string) => void,
): void {
  const names = (of: Kind): string[] =>
    catalog.filter(entry => entry.kind === of).flatMap(entry => [entry.type, ...entry.aliases])
  /** What a deprecated name is called now. */
  const current = (name: string): string =>
    catalog.find(entry => entry.kind === kind && entry.aliases.includes(name))?.type ?? name
  const same = names(kind).find(name => spelling(name) === spelling(type))
  const absent = absentComponent(kind, type)
  const other = KINDS.find(one => one !== kind && names(one).includes(type))
  if (same !== undefined) report(`there is no ${kind} "${type}"`, `did you mean "${current(same)}"?`)
  else if (absent !== undefined) report(absent.wrong, absent.fix)
  else if (other !== undefined)
    report(`${type} is ${aKind(other)}, not ${aKind(kind)}`, `move it below ${other}s:`)
  else {
    const near = nearest(type, names(kind))
    report(
      `there is no ${kind} "${type}"`,
      near === undefined
        ? didYouMean(
            type,
            catalog.filter(entry => entry.kind === kind).map(entry => entry.type),
          )
        : `did you mean "${current(near)}"?`,
    )
  }
}
