/**
 * What a server's answer means for the data points of a request: the sender's half of the specifications of remote write
 * 1.0 and 2.0.
 */

import { REJECTED_BY_SERVER } from '../../core/component/delivery.ts'
import { MESSAGES, type WriteRequest } from '../../core/formats/prometheus/remote-write.ts'
import type { HttpAnswer } from '../../core/transport/http-client.ts'
import { oneLine, retryAfterMs } from '../../core/transport/otlp-outcome.ts'

/** How many of each kind the server says it has written; undefined where it does not say. */
export interface Written {
  readonly samples: number | undefined
  readonly histograms: number | undefined
  readonly exemplars: number | undefined
}

export type Verdict =
  | { readonly kind: 'done'; readonly lost: number; readonly reason: string; readonly message: string }
  | { readonly kind: 'again'; readonly message: string; readonly afterMs: number | undefined }
  /** The server does not know this message: another one may do. */
  | { readonly kind: 'other_message'; readonly message: string }

/** The server said yes, and not that it has written anything. */
const UNCONFIRMED = 'unconfirmed'
/** The server said yes, and that it has not written all. */
const NOT_WRITTEN = 'not_written'

const UNSUPPORTED_MEDIA_TYPE = 415
const TOO_MANY_REQUESTS = 429

export function writtenOf(answer: HttpAnswer): Written {
  const count = (kind: string): number | undefined => {
    const said = answer.header(`x-prometheus-remote-write-${kind}-written`).trim()
    return /^\d{1,15}$/.test(said) ? Number(said) : undefined
  }
  return { samples: count('samples'), histograms: count('histograms'), exemplars: count('exemplars') }
}

export function judge(
  request: WriteRequest,
  answer: HttpAnswer,
  where: string,
  retryOn429: boolean,
): Verdict {
  const { status } = answer
  const second = request.message === MESSAGES[1]
  if (status >= 200 && status < 300) {
    if (!second) return { kind: 'done', lost: 0, reason: '', message: '' }
    return confirmed(request, writtenOf(answer), `${where} answered ${status}`)
  }
  const said = oneLine(Buffer.from(answer.body).toString())
  const message = `${where} answered ${status}${said === '' ? '' : `: ${said}`}`
  if (status === UNSUPPORTED_MEDIA_TYPE && second) return { kind: 'other_message', message }
  if (status >= 500 || (status === TOO_MANY_REQUESTS && retryOn429))
    return { kind: 'again', message, afterMs: retryAfterMs(answer.header('retry-after'), Date.now()) }
  const lost = second ? missing(request, writtenOf(answer)) : request.items
  return { kind: 'done', lost, reason: REJECTED_BY_SERVER.name, message: message + named(request, said) }
}

/** A server that knows 2.0 says what it has written; without a word of it nothing is known to be (spec 2.0). */
function confirmed(request: WriteRequest, written: Written, answered: string): Verdict {
  const lost = missing(request, written)
  if (written.samples === undefined && written.histograms === undefined) {
    const message = `${answered}, but not that it wrote anything: it may not know remote write 2.0 and have dropped it; write protobuf_message: ${MESSAGES[0]}`
    return { kind: 'done', lost: request.items, reason: UNCONFIRMED, message }
  }
  const message = `${answered}, and wrote ${written.samples ?? 0} of ${request.samples} samples and ${written.histograms ?? 0} of ${request.histograms} histograms`
  return { kind: 'done', lost, reason: NOT_WRITTEN, message }
}

/**
 * Data points that are not there as a whole. A server counts samples, of which a histogram has many: each that is missing
 * is taken for another point, at most all of them.
 */
function missing(request: WriteRequest, { samples = 0, histograms = 0 }: Written): number {
  const lost = Math.max(0, request.samples - samples) + Math.max(0, request.histograms - histograms)
  return Math.min(request.items, lost)
}

/** Which series it was about, where the server did not say so itself. */
function named({ example, series }: WriteRequest, said: string): string {
  if (example === undefined || said.includes('{')) return ''
  const others = series > 1 ? ` and ${series - 1} other series` : ''
  return ` (${oneLine(example)}${others})`
}
