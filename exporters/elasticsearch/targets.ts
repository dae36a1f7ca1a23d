/** Where documents go: the line in front of each. */

import { type CacheBudget, ENTRY_BYTES } from '../../core/formats/cache-budget.ts'
import type { Mode } from '../../core/formats/elastic/modes.ts'
import type { Route } from '../../core/formats/elastic/route.ts'
import { writeJsonString } from '../../core/otlp/json-values.ts'
import type { Writer } from '../../core/otlp/writer.ts'

export interface Target {
  readonly route: Route
  /** `{"create":{"_index":"..."` */
  readonly head: Uint8Array
  /** `,"data_stream":{...}` of documents in mode otel; empty for an index. */
  readonly stream: Uint8Array
}

/** Elasticsearch refuses the whole request when one id is longer. */
const ID_BYTES_MAX = 512
const ID = Buffer.from(',"_id":')
const PIPELINE = Buffer.from(',"pipeline":')
const END = Buffer.from('}}\n')
const NO_STREAM = new Uint8Array()

export class Targets {
  readonly #requireDataStream: boolean
  readonly #budget: CacheBudget
  readonly #known = new Map<string, Target>()

  /** `requireDataStream`: Elasticsearch is to refuse documents of mode otel whose data stream has no template. */
  constructor(requireDataStream: boolean, budget: CacheBudget) {
    this.#requireDataStream = requireDataStream
    this.#budget = budget
    budget.join(() => this.#known.clear())
  }

  of(mode: Mode, route: Route): Target {
    const { index, stream } = route
    const strict = this.#requireDataStream && mode === 'otel' && stream !== undefined
    const key = stream === undefined ? `=${index}` : `${strict ? '!' : ''}${index}`
    let target = this.#known.get(key)
    if (target !== undefined) return target
    const parts =
      stream === undefined
        ? NO_STREAM
        : Uint8Array.from(Buffer.from(`,"data_stream":${JSON.stringify(stream)}`))
    const more = strict ? ',"require_data_stream":true' : ''
    target = {
      route,
      head: Uint8Array.from(Buffer.from(`{"create":{"_index":${JSON.stringify(index)}${more}`)),
      stream: parts,
    }
    const { head } = target
    const bytes = 2 * key.length + index.length + head.length + 2 * parts.length + 2 * ENTRY_BYTES
    if (this.#budget.take(bytes)) this.#known.set(key, target)
    return target
  }
}

/** What is wrong with an id that an attribute gave. */
export function idProblem(id: string): string | undefined {
  const size = Buffer.byteLength(id)
  return size <= ID_BYTES_MAX
    ? undefined
    : `elasticsearch.document_id has ${size} bytes; Elasticsearch takes ${ID_BYTES_MAX}`
}

/** The line for one document. `more` writes what else stands in it, behind a comma. */
export function writeAction(
  out: Writer,
  { head }: Target,
  id: string | undefined,
  pipeline: string | undefined,
  more?: (out: Writer) => void,
): void {
  out.raw(head)
  if (id !== undefined && id !== '') writeField(out, ID, id)
  if (pipeline !== undefined && pipeline !== '') writeField(out, PIPELINE, pipeline)
  more?.(out)
  out.raw(END)
}

function writeField(out: Writer, key: Uint8Array, text: string): void {
  const bytes = Buffer.from(text)
  out.raw(key)
  writeJsonString(out, bytes, 0, bytes.length)
}
