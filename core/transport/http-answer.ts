/** What an HTTP server answered, and in which words a request failed that got no answer. */

import type { Dispatcher } from 'undici'

export interface HttpAnswer {
  readonly status: number
  /** First value of a header by its lower-case name; '' when there is none. */
  header(name: string): string
  readonly body: Uint8Array
  /** The body was longer than the limit and `body` is its beginning. */
  readonly cut: boolean
}

/** OTLP 1.11 recommends this limit for responses. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
/** Of an error's text no more is kept. */
const ERROR_BYTES_MAX = 64 * 1024
/**
 * Reads it whole, up to the limits; `bytesMax` is that of a good answer. `take` is told of each part before it is kept, in
 * bytes; when it throws nothing more is read.
 */
export async function readAnswer(
  response: Dispatcher.ResponseData,
  bytesMax = ANSWER_BYTES_MAX,
  take?: (bytes: number) => void,
): Promise<HttpAnswer> {
  const { statusCode, headers, body } = response
  const most = statusCode < 300 ? bytesMax : ERROR_BYTES_MAX
  const parts: Uint8Array[] = []
  let size = 0
  let cut = false
  for await (const part of body as AsyncIterable<Uint8Array>) {
    take?.(Math.min(part.length, most - size))
    if (size + part.length > most) {
      parts.push(part.subarray(0, most - size))
      size = most
      cut = true
      // Leaving the loop destroys the rest, and with HTTP/1.1 the connection: nobody drains what has no end.
      break
    }
    parts.push(part)
    size += part.length
  }
  return {
    status: statusCode,
    header(name) {
      const value = headers[name]
      return (Array.isArray(value) ? value[0] : value) ?? ''
    },
    body: parts.length === 1 ? parts[0]! : Buffer.concat(parts, size),
    cut,
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNRESET: 'it closed the connection',
  EPIPE: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it did not take the connection in time',
  EHOSTUNREACH: 'no way leads to it',
  ENETUNREACH: 'no way leads to it',
}

/** One sentence: where to, what happened. Never the user and password of the URL. */
export function failure(url: URL, error: unknown, signal: AbortSignal | undefined): string {
  const where = `${url.origin}${url.pathname}`
  if (signal?.aborted) return `${where} did not answer in time`
  const { code, message } = innermost(error)
  const reason = code === undefined ? undefined : REASONS[code]
  return `cannot send to ${where}: ${reason === undefined ? message : `${reason} (${code})`}`
}

/** Several addresses tried give an AggregateError without a message of its own. */
function innermost(error: unknown): { code: string | undefined; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0])
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const code = (error as NodeJS.ErrnoException).code
  return { code, message: error.message === '' ? error.name : error.message }
}
