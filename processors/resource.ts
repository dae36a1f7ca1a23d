/**
 * `resource`: changes resource attributes, of every signal (contrib resourceprocessor 0.155). Works on the bytes; a
 * batch that nothing changed passes as it is.
 */

import { list, section, type ValueOf } from '../config/schema.ts'
import { actionSection } from '../core/component/action-config.ts'
import { type Actions, compileActions } from '../core/component/actions.ts'
import type { ProcessorFactory } from '../core/component/contract.ts'
import { type Meta, NO_META } from '../core/component/meta.ts'
import { rewriteBatch, transforming } from '../core/component/transform.ts'
import { AttributeTable } from '../core/otlp/attributes.ts'
import { Resource } from '../core/otlp/fields.ts'
import { KeySet } from '../core/otlp/keys.ts'
import { Patch } from '../core/otlp/patch.ts'
import { ProfileStrings } from '../core/otlp/profile-strings.ts'
import { CHANGE, type Editor, KEEP, Rewriter, type Verdict } from '../core/otlp/rewrite.ts'

const config = section(
  { attributes: list(actionSection, { doc: 'What is done, in order.' }) },
  {
    doc: 'Changes resource attributes.',
    check: ({ attributes }, report) => {
      if (attributes.length === 0) report.error('attributes', 'is empty', 'write at least one action')
    },
  },
)

class ResourceEditor implements Editor {
  meta: Meta
  readonly #table: AttributeTable
  readonly #actions: Actions

  constructor(table: AttributeTable, actions: Actions) {
    this.meta = NO_META
    this.#table = table
    this.#actions = actions
  }

  resource(bytes: Uint8Array, start: number, stop: number): Verdict {
    const table = this.#table
    table.read(bytes, start, stop, Resource.attributes)
    this.#actions.run(table, this.meta)
    return table.changed ? CHANGE : KEEP
  }

  write(patch: Patch): void {
    this.#table.write(patch)
  }

  forget(): void {}
}

/** The same where attributes may have their texts in the request's string table. */
class ProfileResourceEditor implements Editor {
  readonly #table: AttributeTable
  readonly #actions: Actions
  readonly #patch: Patch
  #request: Uint8Array | undefined
  #strings: ProfileStrings | undefined
  #edited: Uint8Array
  meta: Meta

  constructor(table: AttributeTable, actions: Actions) {
    this.meta = NO_META
    this.#table = table
    this.#actions = actions
    this.#patch = new Patch()
    this.#edited = NOTHING
  }

  resource(bytes: Uint8Array, start: number, stop: number): Verdict {
    if (this.#strings === undefined || this.#request !== bytes) {
      this.#request = bytes
      this.#strings = new ProfileStrings(bytes)
    }
    const table = this.#table
    const plain = this.#strings.writeOut(start, stop)
    table.read(plain, 0, plain.length, Resource.attributes)
    this.#actions.run(table, this.meta)
    if (!table.changed) return KEEP
    this.#patch.begin(plain)
    table.write(this.#patch)
    this.#edited = this.#patch.end()
    return CHANGE
  }

  write(patch: Patch, start: number, stop: number): void {
    patch.cut(start, stop).raw(this.#edited)
  }

  /** A request must not be kept alive by the memory of its strings. */
  forget(): void {
    this.#request = undefined
    this.#strings = undefined
  }
}

const NOTHING = new Uint8Array(0)

export const factory: ProcessorFactory<ValueOf<typeof config>> = {
  kind: 'processor',
  type: 'resource',
  doc: 'Changes resource attributes.',
  stability: 'beta',
  signals: ['traces', 'metrics', 'logs', 'profiles'],
  config,
  create({ attributes }, settings, next) {
    const keys = new KeySet()
    const actions = compileActions(attributes, keys)
    const table = new AttributeTable(keys, { all: actions.all })
    const profiles = settings.signal === 'profiles'
    const editor = profiles ? new ProfileResourceEditor(table, actions) : new ResourceEditor(table, actions)
    const rewriter = new Rewriter(settings.signal!, editor)
    return transforming(next, settings, batch => {
      editor.meta = batch.meta
      const transformed = rewriteBatch(batch, rewriter)
      editor.forget()
      return transformed
    })
  },
}
