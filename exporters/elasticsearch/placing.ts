/** Where the items of one batch go: by their own attributes, those of their scope and those of their resource. */

import type { Around } from '../../core/formats/elastic/around.ts'
import { Surroundings } from '../../core/formats/elastic/around.ts'
import { type Mode, readMode } from '../../core/formats/elastic/modes.ts'
import { datasetOfScope, type Route, routeOf, type StreamType } from '../../core/formats/elastic/route.ts'
import { MODE, SpecialAttributes } from '../../core/formats/elastic/special.ts'
import { InstrumentationScope, Resource } from '../../core/otlp/fields.ts'
import { MessageView } from '../../core/otlp/message.ts'
import type { ItemWalker } from '../../core/otlp/walk.ts'
import { allowedText, type Kit, staticIndex } from './kit.ts'
import type { Target } from './targets.ts'

export class Placing {
  /** Of the scope that the walker stands in. A text says why its items cannot be written. */
  mode: Mode | string = 'otel'
  resource: Around
  scope: Around
  readonly #kit: Kit
  readonly #asked: Mode
  readonly #suffix: string
  readonly #around = new Surroundings()
  readonly #ofResource = new SpecialAttributes()
  readonly #ofScope = new SpecialAttributes()
  readonly #view = new MessageView()
  #scopeDataset: string | undefined
  /** For items that have nothing to say about it. */
  readonly #usual = new Map<StreamType, Target | string>()

  constructor(kit: Kit, asked: Mode, suffix: string) {
    this.#kit = kit
    this.#asked = asked
    this.#suffix = suffix
    this.resource = this.#around.resource
    this.scope = this.#around.scope
  }

  /** Reads what the walker stands in; true when the scope is another one. */
  move(walker: ItemWalker): boolean {
    const moved = this.#around.move(walker)
    if (moved === 0) return false
    const { resource, scope } = this.#around
    if (moved === 2) this.#ofResource.read(resource.bytes, resource.start, resource.stop, Resource.attributes)
    this.resource = resource
    this.scope = scope
    this.#ofScope.read(scope.bytes, scope.start, scope.stop, InstrumentationScope.attributes)
    const name = this.#view.reset(scope.bytes, scope.start, scope.stop).text(InstrumentationScope.name)
    this.#scopeDataset = name === '' ? undefined : datasetOfScope(name)
    this.mode = this.#modeOfScope()
    this.#usual.clear()
    return true
  }

  #modeOfScope(): Mode | string {
    const asked = this.#ofScope.values[MODE]
    if (asked === undefined) return this.#asked
    const mode = readMode(asked)
    if (mode !== undefined && this.#kit.allowed.has(mode)) return mode
    return `the scope asks for mapping mode "${asked}", which ${allowedText(this.#kit)}`
  }

  /** `item`: its own attributes, where it has some that matter. A text says why it can go nowhere. */
  target(type: StreamType, item: SpecialAttributes | undefined): Target | string {
    if (item !== undefined) return this.#find(type, item)
    let usual = this.#usual.get(type)
    if (usual === undefined) {
      usual = this.#find(type, undefined)
      this.#usual.set(type, usual)
    }
    return usual
  }

  #find(type: StreamType, item: SpecialAttributes | undefined): Target | string {
    const mode = this.mode as Mode
    const fixed = staticIndex(this.#kit.config, type)
    let route: Route | string =
      fixed === ''
        ? routeOf(mode, type, this.#scopeDataset, item, this.#ofScope, this.#ofResource)
        : { index: fixed }
    if (typeof route === 'string') return route
    if (this.#suffix !== '') route = { index: route.index + this.#suffix }
    return this.#kit.targets.of(mode, route)
  }
}
