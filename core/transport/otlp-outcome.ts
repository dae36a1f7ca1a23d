/**
 * What an OTLP server's answer means for the batch that was sent: the client's half of the OTLP specification's
 * failure tables (opentelemetry-proto 1.11, docs/specification.md). The server's half is receivers/otlp/status.ts.
 */

import type { Batch } from '../component/batch.ts'
import type { SendResult } from '../component/contract.ts'
import { Refused, Rejected, type StatusName } from '../component/outcome.ts'
import type { ExportResponse } from '../otlp/response.ts'
import type { Logger } from '../telemetry/log.ts'

/** The server took the request. Rejected items never come back: OTLP forbids to send a partial success again. */
export function sentResult(batch: Batch, response: ExportResponse, log: Logger): SendResult {
  const { message } = response
  if (response.rejected === 0 && message === '') return { sent: batch.items }
  // A server that rejects more than it was sent does not make the ledger negative.
  const items = Math.min(response.rejected, batch.items)
  log.warn(items === 0 ? 'the server took all items and warns' : 'the server rejected some items', {
    message,
    rejected: response.rejected,
    items: batch.items,
  })
  if (items === 0) return { sent: batch.items }
  return { sent: batch.items - items, rejected: [{ items, reason: 'partial_success', message }] }
}

/** OTLP/HTTP, "Retryable Response Codes": these and no others. */
export function isRetryableHttp(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

/** What an HTTP status is in gRPC's words; the Collector's table (internal/statusutil). */
export function statusOfHttp(status: number): StatusName {
  switch (status) {
    case 400:
      return 'INVALID_ARGUMENT'
    case 401:
      return 'UNAUTHENTICATED'
    case 403:
      return 'PERMISSION_DENIED'
    case 404:
      return 'UNIMPLEMENTED'
    case 429:
      return 'RESOURCE_EXHAUSTED'
    case 502:
    case 503:
    case 504:
      return 'UNAVAILABLE'
    default:
      return 'UNKNOWN'
  }
}

/** OTLP/gRPC, "Failures". RESOURCE_EXHAUSTED is worth another try only when the server says when. */
export function isRetryableGrpc(status: StatusName, hasRetryInfo: boolean): boolean {
  switch (status) {
    case 'CANCELLED':
    case 'DEADLINE_EXCEEDED':
    case 'ABORTED':
    case 'OUT_OF_RANGE':
    case 'UNAVAILABLE':
    case 'DATA_LOSS':
      return true
    case 'RESOURCE_EXHAUSTED':
      return hasRetryInfo
    default:
      return false
  }
}

/** IMF-fixdate, the obsolete RFC 850 form and asctime's: RFC 9110 5.6.7. */
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/

/**
 * `Retry-After` in ms from `now` (ms since the epoch): seconds or an HTTP-date (RFC 9110 10.2.3). A date that has
 * passed is 0; anything else that is no such value is undefined, and the client's own backoff decides.
 */
export function retryAfterMs(value: string, now: number): number | undefined {
  const written = value.trim()
  if (/^\d{1,9}$/.test(written)) return Number(written) * 1000
  if (!HTTP_DATE.test(written)) return undefined
  // asctime's form has no zone; it means GMT, but Date.parse would take the local one.
  const time = Date.parse(written.endsWith('GMT') ? written : `${written} GMT`)
  return Number.isNaN(time) ? undefined : Math.max(0, time - now)
}

/** Throws what the sending chain understands: Refused when the same request may be sent again, else Rejected. */
export function throwOutcome(
  retryable: boolean,
  message: string,
  status: StatusName,
  afterMs: number | undefined,
): never {
  if (!retryable) throw new Rejected(message, { status })
  throw new Refused(message, afterMs === undefined ? { status } : { status, afterMs })
}

/** A server's words for a log line: printable, on one line, not longer than `most` characters. */
export function oneLine(text: string, most = 512): string {
  const line = text.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim()
  return line.length <= most ? line : `${line.slice(0, most)}...`
}
