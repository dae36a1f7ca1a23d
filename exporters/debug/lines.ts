/** The indented lines of `verbosity: detailed`, and what resources, scopes and attributes look like there. */

import type { Messages } from '../../core/otlp/message.ts'
import type { EntityRefView, ResourceView, ScopeView } from '../../core/otlp/resource.ts'
import type { KeyValues } from '../../core/otlp/value.ts'
import { typedText } from './go-text.ts'

export class Lines {
  text = ''

  add(line: string): void {
    this.text += `${line}\n`
  }

  /** `    Name           : GET /` */
  field(name: string, value: string | number | bigint): void {
    this.add(`    ${name.padEnd(15)}: ${value}`)
  }

  /** A header and one line for each attribute, set in below the header; nothing when there are none. */
  attributes(header: string, attributes: KeyValues): void {
    const [indent, ...arrows] = header.split('->')
    const prefix = `${arrows.length > 0 ? indent : ''}     ->`
    for (let first = true; attributes.next(); first = false) {
      if (first) this.add(`${header}:`)
      const value = typedText(attributes.value(), attributes.valueStart, attributes.valueStop)
      this.add(`${prefix} ${attributes.key()}: ${value}`)
    }
  }

  resource(resource: ResourceView, schemaUrl: string): void {
    this.add(`Resource SchemaURL: ${schemaUrl}`)
    this.attributes('Resource attributes', resource.attributes())
    this.#entityRefs(resource.entityRefs())
  }

  scope(scope: ScopeView): void {
    this.add(`InstrumentationScope ${scope.name} ${scope.version}`)
    this.attributes('InstrumentationScope attributes', scope.attributes())
  }

  #entityRefs(refs: Messages<EntityRefView>): void {
    for (let i = 0; refs.next(); i++) {
      const { type, schemaUrl, idKeys, descriptionKeys } = refs.item
      if (i === 0) this.add('Resource entity refs:')
      this.add(`     -> Entity ref #${i}:`)
      this.add(`          -> Type: ${type}`)
      if (schemaUrl !== '') this.add(`          -> Schema URL: ${schemaUrl}`)
      this.#keys('ID keys', idKeys)
      this.#keys('Description keys', descriptionKeys)
    }
  }

  #keys(header: string, keys: readonly string[]): void {
    if (keys.length > 0) this.add(`          -> ${header}:`)
    for (const key of keys) this.add(`               -> ${key}`)
  }
}
