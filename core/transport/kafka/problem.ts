/** What can go wrong with a broker, in the few kinds that matter to whoever sends or receives. */

export type KafkaProblemKind =
  /** No connection, or no answer in time. */
  | 'unreachable'
  /** The login was refused. */
  | 'credentials'
  /** Logged in, but not allowed to do this. */
  | 'forbidden'
  /** The topic is not there (yet), and nobody may or did make it. */
  | 'no topic'
  /** The broker takes no record batch of this size. */
  | 'too large'
  /** Not now: a leader is being elected, too few replicas are in sync, a disk is full. */
  | 'busy'
  /** Never: the broker says that the request itself is wrong. */
  | 'refused'

export class KafkaProblem extends Error {
  override readonly name = 'KafkaProblem'
  readonly kind: KafkaProblemKind
  /** Kafka's own name of the error, such as NOT_ENOUGH_REPLICAS; '' when a broker did not answer. */
  readonly code: string
  /** True when it may have been done all the same: doing it again may do it twice. */
  readonly unknown: boolean

  constructor(
    kind: KafkaProblemKind,
    message: string,
    options: { code?: string; cause?: unknown; unknown?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.code = options.code ?? ''
    this.unknown = options.unknown ?? false
  }
}

/** Kafka's error codes that are no passing trouble (kafka.apache.org/protocol, "Error Codes"). */
const KINDS: Readonly<Record<string, KafkaProblemKind>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'no topic',
  UNKNOWN_TOPIC_ID: 'no topic',
  MESSAGE_TOO_LARGE: 'too large',
  RECORD_LIST_TOO_LARGE: 'too large',
  SASL_AUTHENTICATION_FAILED: 'credentials',
  ILLEGAL_SASL_STATE: 'credentials',
  UNSUPPORTED_SASL_MECHANISM: 'credentials',
  TOPIC_AUTHORIZATION_FAILED: 'forbidden',
  GROUP_AUTHORIZATION_FAILED: 'forbidden',
  CLUSTER_AUTHORIZATION_FAILED: 'forbidden',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'forbidden',
  INVALID_TOPIC_EXCEPTION: 'refused',
  CORRUPT_MESSAGE: 'busy',
  INVALID_RECORD: 'refused',
  INVALID_REQUIRED_ACKS: 'refused',
  INVALID_TIMESTAMP: 'refused',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'refused',
  UNSUPPORTED_COMPRESSION_TYPE: 'refused',
  UNSUPPORTED_VERSION: 'refused',
  INVALID_REQUEST: 'refused',
  POLICY_VIOLATION: 'refused',
}

/** Errors after which the batch may have been written. */
const UNKNOWN_OUTCOME: ReadonlySet<string> = new Set([
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
])

/** What a broker answered, in Kafka's words. `said` is its text, or the client's. */
export function answered(code: string, said: string, what: string, cause?: unknown): KafkaProblem {
  const kind = KINDS[code] ?? 'busy'
  const message = `${what}: ${code}${said === '' || said === code ? '' : `, ${said}`}${advice(kind)}`
  return new KafkaProblem(kind, message, { code, cause, unknown: UNKNOWN_OUTCOME.has(code) })
}

/** No answer: `sent` when the request had left. */
export function silent(what: string, said: string, sent: boolean, cause?: unknown): KafkaProblem {
  return new KafkaProblem('unreachable', `${what}: ${said}`, { cause, unknown: sent })
}

function advice(kind: KafkaProblemKind): string {
  switch (kind) {
    case 'credentials':
      return '; look at auth.sasl'
    case 'forbidden':
      return '; the user needs an ACL for it'
    case 'no topic':
      return '; make the topic, or let the broker make it (auto.create.topics.enable)'
    case 'too large':
      return "; lower producer.max_message_bytes, or raise the topic's max.message.bytes"
    default:
      return ''
  }
}
