/** What the answers of Elasticsearch mean: of a whole bulk request, and of each document in it. */

import { oneLine } from '../../core/transport/otlp-outcome.ts'
import type { ClusterAnswer } from './client.ts'

/** What became of one document. */
export interface Item {
  readonly fate: 'there' | 'again' | 'never'
  readonly status: number
  /** Elasticsearch's word for what is wrong: `mapper_parsing_exception`. */
  readonly type: string
  readonly reason: string
}

const THERE: Item = { fate: 'there', status: 200, type: '', reason: '' }

/** A block on an index is lifted again, and an alias that is missing is made: neither is the document's fault. */
const PASSING = new Set([
  'cluster_block_exception',
  'index_not_found_exception',
  'unavailable_shards_exception',
])

/**
 * One Item for each of the `count` documents, in order; undefined when the answer is not one to a bulk request. What
 * exists already is there: ids are made of what is in a document.
 */
export function readItems(
  { body }: ClusterAnswer,
  count: number,
  retryOn: ReadonlySet<number>,
): readonly Item[] | undefined {
  const answer = body as { errors?: unknown; items?: unknown } | null
  if (typeof answer !== 'object' || answer === null || typeof answer.errors !== 'boolean') return undefined
  if (!answer.errors) return new Array<Item>(count).fill(THERE)
  if (!Array.isArray(answer.items) || answer.items.length !== count) return undefined
  const items: Item[] = []
  for (const one of answer.items) {
    const said = Object.values(one ?? {})[0] as { status?: unknown; error?: unknown } | null | undefined
    // Whoever leaves that out says nothing of any document.
    if (typeof said?.status !== 'number') return undefined
    items.push(readItem(said.status, said.error, retryOn))
  }
  return items
}

function readItem(status: number, error: unknown, retryOn: ReadonlySet<number>): Item {
  if (status >= 200 && status < 300) return THERE
  const { type, reason } = readError(error)
  if (status === 409 && type === 'version_conflict_engine_exception')
    return { fate: 'there', status, type, reason }
  return { fate: retryOn.has(status) || PASSING.has(type) ? 'again' : 'never', status, type, reason }
}

/** Type and reason of Elasticsearch's error, with the innermost cause, which names the field. */
export function readError(error: unknown): { readonly type: string; readonly reason: string } {
  if (typeof error !== 'object' || error === null) return { type: 'unknown', reason: String(error ?? '') }
  const { type, reason, caused_by } = error as { type?: unknown; reason?: unknown; caused_by?: unknown }
  const said = String(reason ?? '')
  const cause = caused_by === undefined ? '' : readError(caused_by).reason
  return {
    type: typeof type === 'string' ? type : 'unknown',
    reason: oneLine(cause === '' || said.includes(cause) ? said : `${said}: ${cause}`),
  }
}

/** A label must not have as many values as there are errors. */
export function errorLabel(type: string): string {
  return /^[a-z_]{1,64}$/.test(type) ? type : 'other'
}

/** The words of an answer that is no 2xx, for people. */
export function wordsOf({ status, body }: ClusterAnswer): string {
  const error = (body as { error?: unknown } | null | undefined)?.error
  if (typeof error === 'object' && error !== null) {
    const { type, reason } = readError(error)
    return `${status} ${type}: ${reason}`
  }
  const text = typeof error === 'string' ? error : typeof body === 'string' ? body : ''
  return text === '' ? String(status) : `${status}: ${oneLine(text)}`
}
