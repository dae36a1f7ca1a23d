/** A KafkaProducer on @platformatic/kafka, whose owner this file is. See client.ts. */

import { isIP } from 'node:net'
import {
  AuthenticationError,
  type BaseOptions,
  findErrorBy,
  type GenericError,
  MultipleErrors,
  Producer,
  type SASLOptions,
  TimeoutError,
} from '@platformatic/kafka'
import type {
  KafkaConnection,
  KafkaLogin,
  KafkaMessage,
  KafkaProducer,
  KafkaProducing,
  KafkaTopic,
} from './client.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { atLevel, useOurCodecs } from './platformatic-codecs.ts'
import { handOnPieces } from './platformatic-pieces.ts'
import { answered, KafkaProblem, silent } from './problem.ts'

handOnPieces()
useOurCodecs()

/** What the package is told of a cluster; the consumer's file takes it too. */
export function platformaticOptions(connection: KafkaConnection): BaseOptions {
  const { brokers, clientId, tls, login } = connection
  const options: BaseOptions = {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connection.connectTimeoutMs,
    requestTimeout: connection.requestTimeoutMs,
    timeout: connection.requestTimeoutMs,
    retries: connection.retries,
    // Longer each time: a broker that makes many topics needs a second or two.
    retryDelay: (_client, _operation, attempt) => connection.retryBackoffMs * 2 ** Math.min(attempt - 1, 6),
    metadataMaxAge: connection.metadataMaxAgeMs,
  }
  if (tls !== undefined) {
    const { rejectUnauthorized, servername } = tls
    // Read anew for each connection: certificates may have changed.
    options.tls = {
      get secureContext() {
        return tls.secureContext
      },
      rejectUnauthorized,
    }
    // true: the host, which must be a name then. Clusters that route by it have names throughout.
    const named = brokers.some(broker => isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0)
    if (servername !== undefined || named) options.tlsServerName = servername ?? true
  }
  if (login !== undefined) options.sasl = sasl(login)
  return options
}

function sasl(login: KafkaLogin): SASLOptions {
  const { mechanism } = login
  if (mechanism === 'OAUTHBEARER') return { mechanism, token: login.token }
  return { mechanism, username: login.username, password: login.password }
}

export function platformaticProducer(connection: KafkaConnection, producing: KafkaProducing): KafkaProducer {
  return new PlatformaticProducer(connection, producing)
}

type BytesProducer = Producer<Buffer, Buffer, Buffer, Buffer>

class PlatformaticProducer implements KafkaProducer {
  readonly #connection: KafkaConnection
  readonly #producing: KafkaProducing
  readonly #producer: BytesProducer
  readonly #queue = new OneAtATime()

  constructor(connection: KafkaConnection, producing: KafkaProducing) {
    const { acks, compression, createTopics, idempotent } = producing
    this.#connection = connection
    this.#producing = producing
    this.#producer = new Producer({
      ...platformaticOptions(connection),
      acks,
      compression,
      idempotent,
      autocreateTopics: createTopics,
      repeatOnStaleMetadata: true,
    })
    // It tells of broken connections here too, and an event called error that nobody hears ends the process.
    this.#producer.on('error' as never, ((error: Error) => this.#heard(error)) as never)
  }

  #heard(error: Error): void {
    this.#connection.log.debug('Kafka client', { client: 'platformatic', detail: error.message })
  }

  async connect(): Promise<void> {
    try {
      await this.#producer.metadata({ topics: [] })
    } catch (error) {
      throw problem(error, this.#connection.brokers.join(', '), false)
    }
  }

  async topic(name: string): Promise<KafkaTopic> {
    try {
      const metadata = await this.#producer.metadata({
        topics: [name],
        autocreateTopics: this.#producing.createTopics,
        forceUpdate: true,
      })
      const { partitions } = metadata.topics.get(name)!
      return {
        partitions: partitions.length,
        writable: partitions.flatMap(({ leader }, number) => (leader >= 0 ? [number] : [])),
      }
    } catch (error) {
      throw problem(error, `topic ${name}`, false)
    }
  }

  produce(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    if (!this.#producing.idempotent) return this.#produce(topic, partition, messages)
    // After a failure the package begins again with a new producer id; with one batch on its way that is exact.
    return this.#queue.run(() => this.#produce(topic, partition, messages))
  }

  async #produce(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const { acks, compression, compressionLevel } = this.#producing
    const request = { acks, messages: messages.map(message => toPlatformatic(message, topic, partition)) }
    try {
      if (compression === 'none') await this.#producer.send(request)
      else await atLevel(compressionLevel, () => this.#producer.send(request))
    } catch (error) {
      throw problem(error, `topic ${topic}, partition ${partition}`, true)
    }
  }

  async close(): Promise<void> {
    await this.#producer.close(true)
  }
}

function toPlatformatic(message: KafkaMessage, topic: string, partition: number) {
  const key = message.key === undefined ? undefined : asBuffer(message.key)
  const value = asBuffer(message.value)
  const plain = key === undefined ? { topic, partition, value } : { topic, partition, key, value }
  if (message.headers.length === 0) return plain
  // Keyed by buffers, so that a name may be there twice.
  const headers = new Map(message.headers.map(({ name, value }) => [Buffer.from(name), asBuffer(value)]))
  return { ...plain, headers }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** `sent`: whether the request may have left when there was no answer. Also for the consumer's file. */
export function problem(error: unknown, what: string, sent: boolean): KafkaProblem {
  if (error instanceof KafkaProblem) return error
  const one = error as GenericError
  const code = codeOf(one)
  if (code !== undefined) return answered(code, '', what, error)
  const login = findErrorBy(one, 'code', AuthenticationError.code)
  if (login !== null) return answered('SASL_AUTHENTICATION_FAILED', login.message, what, error)
  const slow = findErrorBy(one, 'code', TimeoutError.code)
  const refused = deepest(one)
  // The package's own words where it has read a list of topics without this one.
  if (/^Unknown topic /.test(refused.message)) return answered('UNKNOWN_TOPIC_OR_PARTITION', '', what, error)
  return silent(
    what,
    refused.message,
    sent && (slow !== null || !/ECONNREFUSED/.test(refused.message)),
    error,
  )
}

/** Kafka's name of the first error that has one. */
function codeOf(error: Error): string | undefined {
  const { apiId } = error as { apiId?: string }
  if (apiId !== undefined) return apiId
  const below = MultipleErrors.isMultipleErrors(error) ? error.errors : []
  for (const one of [...below, error.cause]) {
    if (!(one instanceof Error)) continue
    const code = codeOf(one)
    if (code !== undefined) return code
  }
  return undefined
}

/** The plainest words: those of what caused it. */
function deepest(error: Error): Error {
  const below = MultipleErrors.isMultipleErrors(error) ? error.errors.at(-1) : error.cause
  return below instanceof Error ? deepest(below) : error
}
