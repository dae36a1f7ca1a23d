/** Batches of spans as bulk requests in Jaeger's layout: a document for each span, and those of services not seen yet. */

import type { Batch } from '../../core/component/batch.ts'
import { CacheBudget } from '../../core/formats/cache-budget.ts'
import type { Piece } from '../../core/formats/deflate/piece.ts'
import type { Pieces } from '../../core/formats/deflate/pieces.ts'
import type { Counts } from '../../core/formats/jaeger-es/counts.ts'
import { type Index, IndexNames } from '../../core/formats/jaeger-es/index-names.ts'
import {
  hashHex,
  hashHigh,
  hashLow,
  OperationHashes,
  writeServiceDocument,
} from '../../core/formats/jaeger-es/service.ts'
import { SpanDocuments } from '../../core/formats/jaeger-es/span-document.ts'
import { ItemWalker } from '../../core/otlp/walk.ts'
import type { Writer } from '../../core/otlp/writer.ts'
import type { BodyBuffers } from './body-buffers.ts'
import type { Bulk } from './bulk.ts'
import type { Documents } from './documents.ts'
import { JaegerBody } from './jaeger-body.ts'
import { type JaegerConfig, rotationOf } from './jaeger-config.ts'
import { CACHE_BYTES_MAX } from './kit.ts'
import { ServiceCache } from './service-cache.ts'

const EMPTY = new Uint8Array()
const END_OF_ACTION = Buffer.from('"}}\n')
const TTL_MS = 12 * 3_600_000
const NEWLINE = 0x0a
/** Whatever the config says: a packed text reaches no further (POSITION_MAX in pack-state.ts). */
const BODY_BYTES_MAX = 512 * 1024 * 1024

export class JaegerBulks implements Documents {
  readonly buffers: BodyBuffers
  readonly packed: BodyBuffers
  /** Of all caches together. */
  readonly caches = new CacheBudget(CACHE_BYTES_MAX)
  readonly #body: JaegerBody
  readonly #pieces: Pieces
  /** Before a span's id, and the index that it is of. */
  #action: Piece
  #actionIndex: Index | undefined
  readonly #services: ServiceCache
  readonly #config: JaegerConfig
  readonly #maxBytes: number
  readonly #documents: SpanDocuments
  readonly #spanIndex: IndexNames
  readonly #serviceIndex: IndexNames
  readonly #isStream: boolean
  readonly #isPeriodic: boolean
  readonly #operations = new OperationHashes()

  /** `packs`: bodies are written compressed, about as small as gzip's level 1 would make them. */
  constructor(config: JaegerConfig, maxBytes: number, tagsAsFields: ReadonlySet<string>, packs = false) {
    const { tags_as_fields, indices, service_cache_ttl } = config
    const rotation = rotationOf(config)
    const prefix = indices.index_prefix
    this.#config = config
    this.#maxBytes = Math.min(maxBytes, BODY_BYTES_MAX)
    this.#body = new JaegerBody(packs, maxBytes)
    this.buffers = this.#body.buffers
    this.packed = this.#body.packed
    this.#pieces = this.#body.pieces
    this.#action = this.#pieces.piece(EMPTY)
    this.#isStream = rotation === 'data_stream'
    this.#isPeriodic = rotation === 'periodic'
    this.#services = new ServiceCache(service_cache_ttl === 0 ? TTL_MS : service_cache_ttl)
    this.#spanIndex = new IndexNames('span', { prefix, rotation, layout: indices.spans.date_layout })
    this.#serviceIndex = new IndexNames('service', { prefix, rotation, layout: indices.services.date_layout })
    const options = {
      tagsAsFields: {
        all: tags_as_fields.all,
        include: tagsAsFields,
        dotReplacement: tags_as_fields.dot_replacement,
      },
      maxValueBytes: config.max_value_bytes,
      parentSpanId: config.parent_span_id,
      timestamp: this.#isStream,
    }
    this.#documents = new SpanDocuments(options, this.caches, this.#pieces)
  }

  /** What was changed in documents, since the gateway started. */
  get counts(): Counts {
    return this.#documents.counts
  }

  landed(key: string, nowMs: number): void {
    this.#services.add(key, nowMs)
  }

  *bulks(batch: Batch, nowMs: number): Generator<Bulk, void, undefined> {
    try {
      yield* this.#bulks(batch, nowMs)
    } finally {
      // No memory may be left for a body, which throws.
      this.#documents.release()
    }
  }

  *#bulks({ chunks }: Batch, nowMs: number): Generator<Bulk, void, undefined> {
    const documents = this.#documents
    const body = this.#body
    const walker = new ItemWalker(EMPTY, 'traces')
    /** Documents of services that this batch has already. */
    const offered = new Set<string>()
    /** Of what was written for one span of the body. */
    let largest = 0
    body.begin()
    for (const chunk of chunks) {
      walker.reset(chunk, 'traces')
      while (walker.next()) {
        if (body.count > 0 && body.size + largest > this.#maxBytes) {
          // Nobody may ever ask for the next body, and others may write theirs before that.
          documents.release()
          yield body.take()!
          body.begin()
          largest = 0
        }
        const { count, size } = body
        documents.begin(walker)
        const at = this.#indexTime(documents.startMillis, nowMs)
        this.#service(at, offered, nowMs)
        this.#span(body.out, this.#spanIndex.at(at))
        body.end(undefined, 1)
        largest = Math.max(largest, body.size - size)
        if (body.size <= this.#maxBytes || count === 0) continue
        // It is larger than all before it, and does not fit beside them.
        documents.release()
        yield* body.take()!.parted(count)
        body.begin()
        largest = 0
      }
    }
    documents.release()
    const rest = body.take()
    if (rest !== undefined) yield rest
  }

  /** No clock decides that there is an index for 1970 or for 2069. */
  #indexTime(startMs: number, nowMs: number): number {
    if (!this.#isPeriodic) return startMs
    const { max_past, max_future } = this.#config
    const within = Math.max(
      max_past === 0 ? startMs : nowMs - max_past,
      Math.min(startMs, max_future === 0 ? startMs : nowMs + max_future),
    )
    // Those from before 1970 are counted already.
    if (within !== startMs && !this.#documents.isBefore1970) this.#documents.counts.impossibleTimes++
    return within
  }

  #service(at: number, offered: Set<string>, nowMs: number): void {
    const { process, operation, operationStart, operationStop, name } = this.#documents
    const index = this.#serviceIndex.at(at)
    if (name?.process === process.id && name.index === index && nowMs < name.untilMs) return
    this.#operations.find(process.id, process.service, operation, operationStart, operationStop)
    const key = this.#services.missing(index.name, hashLow, hashHigh, nowMs)
    if (key === undefined) {
      if (name === undefined) return
      name.process = process.id
      name.index = index
      name.untilMs = this.#services.untilMs
      return
    }
    if (offered.has(key)) return
    offered.add(key)
    const { out } = this.#body
    out.raw(index.actionBeforeId)
    out.raw(Buffer.from(hashHex()))
    out.raw(END_OF_ACTION)
    writeServiceDocument(out, process.service, operation, operationStart, operationStop)
    if (this.#isStream) this.#documents.writeTimestampAtEnd(out)
    out.byte(NEWLINE)
    this.#body.end(key, 0)
  }

  #span(out: Writer, index: Index): void {
    const pieces = this.#pieces
    const withId = this.#config.deterministic_ids
    if (index !== this.#actionIndex) {
      this.#action = pieces.piece(withId ? index.actionBeforeId : index.action, this.#action.nth)
      this.#actionIndex = index
    }
    pieces.write(out, this.#action)
    if (withId) this.#documents.writeWithId(out)
    else this.#documents.write(out)
  }
}
