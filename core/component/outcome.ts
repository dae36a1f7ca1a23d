/**
 * How handing on a batch ends. Three ways, and one table that says what each is over gRPC and HTTP
 * (receivers/otlp/status.ts):
 *
 * - accepted: `consume` resolves with a Receipt; responsibility has passed on.
 * - refused:  `consume` throws Refused; nothing was taken, try again, perhaps after a wait.
 * - rejected: `consume` throws Rejected; nothing was taken and nothing ever will be.
 *
 * Anything else that is thrown is a bug in a component; the edge reports it as such and treats it as refused.
 */

/** gRPC status names (google/rpc/code.proto) that an outcome can carry from a server downstream to the sender. */
export type StatusName =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED'

/** Accepted, but some items were rejected for ever: OTLP's partial success. */
export interface Receipt {
  readonly rejected: number
  /** For the sender's log; '' when nothing was rejected. */
  readonly message: string
}

export const ACCEPTED: Receipt = Object.freeze({ rejected: 0, message: '' })

export interface OutcomeOptions {
  /** Status a server downstream answered with, when there was one. */
  readonly status?: StatusName
  readonly cause?: unknown
}

export interface RefusedOptions extends OutcomeOptions {
  /** How long the sender should wait, in ms. */
  readonly afterMs?: number
}

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly afterMs: number | undefined
  readonly status: StatusName | undefined

  constructor(message: string, options: RefusedOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.afterMs = options.afterMs
    this.status = options.status
  }
}

export class Rejected extends Error {
  override readonly name = 'Rejected'
  readonly status: StatusName | undefined

  constructor(message: string, options: OutcomeOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.status = options.status
  }
}
