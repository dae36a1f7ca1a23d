/** Resource and InstrumentationScope, read lazily. */

import { EntityRef, InstrumentationScope, Resource } from './fields.ts'
import { Messages, MessageView } from './message.ts'
import { KeyValues } from './value.ts'

export class ResourceView extends MessageView {
  readonly #attributes = new KeyValues()
  readonly #entityRefs = new Messages(new EntityRefView())

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, Resource.attributes)
  }

  get droppedAttributesCount(): number {
    return this.uint32(Resource.droppedAttributesCount)
  }

  entityRefs(): Messages<EntityRefView> {
    return this.#entityRefs.reset(this.bytes, this.start, this.stop, Resource.entityRefs)
  }
}

export class EntityRefView extends MessageView {
  get schemaUrl(): string {
    return this.text(EntityRef.schemaUrl)
  }

  get type(): string {
    return this.text(EntityRef.type)
  }

  get idKeys(): string[] {
    return this.texts(EntityRef.idKeys)
  }

  get descriptionKeys(): string[] {
    return this.texts(EntityRef.descriptionKeys)
  }
}

export class ScopeView extends MessageView {
  readonly #attributes = new KeyValues()

  get name(): string {
    return this.text(InstrumentationScope.name)
  }

  get version(): string {
    return this.text(InstrumentationScope.version)
  }

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, InstrumentationScope.attributes)
  }

  get droppedAttributesCount(): number {
    return this.uint32(InstrumentationScope.droppedAttributesCount)
  }
}
