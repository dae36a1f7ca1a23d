/** Walks a batch from resource to scope to item for printing; numbers go on over the chunks. */

import type { Batch } from '../../core/component/batch.ts'
import { Messages, MessageView } from '../../core/otlp/message.ts'
import { ResourceView, ScopeView } from '../../core/otlp/resource.ts'

/** Alike in all signals: the resource or scope, what is below, the schema. */
const OWNER = 1
const CHILDREN = 2
const SCHEMA_URL = 3
const ENTRIES = 1

export interface ResourceEntry {
  readonly index: number
  readonly resource: ResourceView
  readonly schemaUrl: string
  readonly entry: MessageView
}

export interface ScopeEntry {
  readonly index: number
  readonly scope: ScopeView
  readonly schemaUrl: string
  readonly entry: MessageView
}

/** The entries of a repeated field, each with a view of its own. */
export function* messagesIn(parent: MessageView, field: number): Generator<MessageView> {
  const list = new Messages(new MessageView()).reset(parent.bytes, parent.start, parent.stop, field)
  while (list.next()) yield list.item
}

export function* resourcesOf(batch: Batch): Generator<ResourceEntry> {
  let index = 0
  for (const chunk of batch.chunks) {
    for (const entry of messagesIn(new MessageView().reset(chunk), ENTRIES)) {
      const resource = owner(new ResourceView(), entry)
      yield { index: index++, resource, schemaUrl: entry.text(SCHEMA_URL), entry }
    }
  }
}

export function* scopesOf(parent: MessageView): Generator<ScopeEntry> {
  let index = 0
  for (const entry of messagesIn(parent, CHILDREN)) {
    const scope = owner(new ScopeView(), entry)
    yield { index: index++, scope, schemaUrl: entry.text(SCHEMA_URL), entry }
  }
}

/** The items of a scope entry, read with `view`. */
export function itemsOf<View extends MessageView>(parent: MessageView, view: View): Messages<View> {
  return new Messages(view).reset(parent.bytes, parent.start, parent.stop, CHILDREN)
}

function owner<View extends MessageView>(view: View, entry: MessageView): View {
  if (!entry.has(OWNER)) return view.reset(entry.bytes, 0, 0) as View
  return view.reset(entry.bytes, entry.startOf(OWNER), entry.stopOf(OWNER)) as View
}
