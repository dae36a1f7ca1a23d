/** What a gRPC client is and what a call ends with, whichever client makes it. */

import type { StatusName } from '../../component/outcome.ts'
import { STATUS_CODES } from '../../otlp/response.ts'

/** The server's answer: `OK` and a message, or why not. */
export interface GrpcAnswer {
  readonly status: 'OK' | StatusName
  /** The server's words, or the client's own when no answer came. */
  readonly message: string
  /** The response; empty unless the status is OK. */
  readonly body: Uint8Array
  /** A serialized google.rpc.Status, when the server sent one. */
  readonly details: Uint8Array | undefined
}

export interface CallOptions {
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined
  /** ms on the `performance.now()` clock; told to the server, which then has no use for an answer either. */
  readonly deadline?: number | undefined
  /** Instead of those of the config; lower-case names, values in plain text also where the name ends with -bin. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What both clients are. */
export interface UnaryClient {
  /** Reads certificates and begins to connect, without waiting for it. Throws an Error that names the key at fault. */
  open(): void
  /**
   * One unary call: `chunks` one after another are the message. Resolves with whatever status the call ended with;
   * throws Refused when it could not be made, or when `signal` stopped it.
   */
  unary(method: string, chunks: readonly Uint8Array[], options: CallOptions): Promise<GrpcAnswer>
  /** Ends the connections; calls that are open still end as they end. Safe twice. */
  close(): void
}

export const EMPTY: Uint8Array = new Uint8Array(0)

/** OTLP 1.11 recommends this limit for responses; it is also what grpc-go has. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024

const NAMES = new Map<number, StatusName | 'OK'>(
  Object.entries(STATUS_CODES).map(([name, code]) => [code, name as StatusName | 'OK']),
)

/** The name of a numeric status; a number that is none is UNKNOWN. */
export function statusName(code: number): StatusName | 'OK' {
  return NAMES.get(code) ?? 'UNKNOWN'
}

export function accepted(body: Uint8Array | undefined): GrpcAnswer {
  return { status: 'OK', message: '', body: body ?? EMPTY, details: undefined }
}

export function failed(status: StatusName, message: string, details?: Uint8Array): GrpcAnswer {
  return { status, message, body: EMPTY, details }
}
