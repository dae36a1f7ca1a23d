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
import type { Patch } from '../core/otlp/patch.ts'
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
}

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
    const editor = new ResourceEditor(new AttributeTable(keys, { all: actions.all }), actions)
    const rewriter = new Rewriter(settings.signal!, editor)
    return transforming(next, settings, batch => {
      editor.meta = batch.meta
      return rewriteBatch(batch, rewriter)
    })
  },
}
