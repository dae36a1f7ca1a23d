/**
 * The one table of what senders are told: how a request ended -> gRPC status -> HTTP status.
 *
 * | how it ended                    | gRPC                     | HTTP | from                                              |
 * | ------------------------------- | ------------------------ | ---- | ------------------------------------------------- |
 * | accepted, all or in part        | OK                       | 200  | OTLP "Full Success", "Partial Success"            |
 * | refused                         | UNAVAILABLE              | 503  | OTLP "Throttling"; Collector errors.go            |
 * | refused, retryable status below | that status              | 503  | OTLP "Failures"; Collector errors.go              |
 * | refused as RESOURCE_EXHAUSTED   | RESOURCE_EXHAUSTED       | 429  | the same; only with a wait, else UNAVAILABLE      |
 * | rejected                        | INTERNAL                 | 500  | Collector errors.go: permanent, no status         |
 * | rejected, final status below    | that status              | HTTP | Collector errors.go, GetHTTPStatusCodeFromStatus  |
 * | not an OTLP request             | INVALID_ARGUMENT         | 400  | OTLP "Failures", "Bad Data"                       |
 * | larger than the limit           | RESOURCE_EXHAUSTED       | 413  | OTLP 1.11 "Size limits"; no RetryInfo, so final   |
 * | no pipeline for the signal      | UNIMPLEMENTED            | 404  | Collector: the service is not registered          |
 * | a bug                           | UNAVAILABLE              | 503  | Collector errors.go: an error that says nothing   |
 *
 * A refusal always reaches the sender as something it will send again, and a rejection as something it will not, even
 * when the status from below says otherwise: the part that decided knows more than the server's number does.
 */

import { Refused, Rejected, type StatusName } from '../../core/component/outcome.ts'
import { OtlpJsonError } from '../../core/otlp/json.ts'
import { STATUS_CODES, type Status } from '../../core/otlp/response.ts'
import { Malformed } from '../../core/otlp/validate.ts'
import { BodyCorrupt, BodyTooLarge } from '../../core/transport/decompress.ts'
import { isRetryableGrpc, oneLine } from '../../core/transport/otlp-outcome.ts'
import { BodyAborted } from './body.ts'

/** `code` is gRPC's number, `http` the HTTP status. `retryDelayMs` only for what may be sent again. */
export interface Answer extends Status {
  readonly http: number
}

/** gRPC status -> HTTP status; the Collector's GetHTTPStatusCodeFromStatus (receiver/otlpreceiver/internal/errors). */
export function httpStatusOf(name: StatusName): number {
  switch (name) {
    case 'CANCELLED':
    case 'DEADLINE_EXCEEDED':
    case 'ABORTED':
    case 'OUT_OF_RANGE':
    case 'UNAVAILABLE':
    case 'DATA_LOSS':
      return 503
    case 'RESOURCE_EXHAUSTED':
      return 429
    case 'INVALID_ARGUMENT':
      return 400
    case 'UNAUTHENTICATED':
      return 401
    case 'PERMISSION_DENIED':
      return 403
    case 'UNIMPLEMENTED':
      return 404
    default:
      return 500
  }
}

/** Why a request never became a batch, as a label of the metric; undefined when the pipeline decided. */
export function malformedReason(error: unknown): string | undefined {
  if (error instanceof BodyTooLarge) return 'too_large'
  if (error instanceof BodyCorrupt) return 'corrupt_compression'
  if (error instanceof BodyAborted) return 'cut_off'
  if (error instanceof OtlpJsonError) return 'malformed_json'
  return error instanceof Malformed ? 'malformed_protobuf' : undefined
}

/** The row of the table for whatever was thrown while a request was served. */
export function answerOf(error: unknown): Answer {
  if (error instanceof Refused) return refusal(error)
  if (error instanceof Rejected) return rejection(error)
  if (error instanceof BodyTooLarge) return answer('RESOURCE_EXHAUSTED', error.message, 413)
  if (malformedReason(error) !== undefined) return answer('INVALID_ARGUMENT', (error as Error).message)
  return answer('UNAVAILABLE', 'internal error; the log of the gateway says more')
}

function refusal({ status = 'UNAVAILABLE', message, afterMs }: Refused): Answer {
  const name = isRetryableGrpc(status, afterMs !== undefined) ? status : 'UNAVAILABLE'
  const plain = answer(name, message)
  return afterMs === undefined ? plain : { ...plain, retryDelayMs: afterMs }
}

function rejection({ status = 'INTERNAL', message }: Rejected): Answer {
  if (isRetryableGrpc(status, false)) return answer('INTERNAL', message)
  // 429 would be sent again; without a wait this status means that the request was too large.
  return answer(status, message, status === 'RESOURCE_EXHAUSTED' ? 413 : httpStatusOf(status))
}

/** An answer with a message that gRPC's header can carry: one line, well-formed, not endless. */
export function answer(name: StatusName, message: string, http: number = httpStatusOf(name)): Answer {
  return { code: STATUS_CODES[name], http, message: oneLine(message.toWellFormed(), 1024) }
}
