/** A KafkaProducer on kafkajs, whose owner this file is. See client.ts. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { connect, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type {
  Admin,
  IHeaders,
  ISocketFactory,
  KafkaConfig,
  LogEntry,
  Message,
  Producer,
  SASLOptions,
} from 'kafkajs'
import type { Logger } from '../../telemetry/log.ts'
import type { ClientTls } from '../tls.ts'
import type {
  KafkaCompression,
  KafkaConnection,
  KafkaLogin,
  KafkaMessage,
  KafkaProducer,
  KafkaProducing,
  KafkaTopic,
} from './client.ts'
import { compressRecords, decompressRecords, type KafkaCodec } from './codecs.ts'
import { loadKafkaJs, piecesOf } from './kafkajs-modules.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { answered, KafkaProblem, silent } from './problem.ts'
import { type Write, writePieces } from './write-pieces.ts'

const { AssignerProtocol, CompressionCodecs, CompressionTypes, Kafka, logLevel } = loadKafkaJs()

/** For the consumer's file: the package must be loaded once only. */
export { AssignerProtocol }

/** What a compressed record batch from a broker may become. */
const BATCH_BYTES_MAX = 256 * 1024 * 1024

/** Codecs belong to the process, levels to a producer: the level travels with the call. */
const level = new AsyncLocalStorage<number>()

const CODECS = { gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' } as const
for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly KafkaCodec[]) {
  CompressionCodecs[CompressionTypes[CODECS[codec]]] = () => ({
    compress: async (encoder: { readonly buffer: Buffer }) =>
      compressRecords(codec, level.getStore() ?? 0, encoder.buffer),
    decompress: (packed: Buffer) => decompressRecords(codec, packed, BATCH_BYTES_MAX),
  })
}

function compressionType(compression: KafkaCompression): number {
  return compression === 'none' ? CompressionTypes.None : CompressionTypes[CODECS[compression]]
}

/** What kafkajs is told of a cluster; the consumer's file takes it too. */
export function kafkaJs(connection: KafkaConnection): InstanceType<typeof Kafka> {
  const { brokers, clientId, tls, login, log } = connection
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: connection.connectTimeoutMs,
    authenticationTimeout: connection.connectTimeoutMs,
    requestTimeout: connection.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: retries(connection),
    socketFactory: openSocket(2 * connection.requestTimeoutMs),
    logLevel: logLevel.DEBUG,
    logCreator: () => entry => handOn(log, entry.namespace, entry.log),
  }
  if (tls !== undefined) config.ssl = ssl(tls)
  if (login !== undefined) config.sasl = sasl(login)
  return new Kafka(config)
}

const KEEP_ALIVE_MS = 60_000

/**
 * Sockets as kafkajs opens them, but for two things. A broker that hangs stops reading, and what is sent again and again
 * would pile up in its socket: after `stuckMs` without a byte going out such a connection is closed. And a request comes
 * in pieces (kafkajs-modules.ts), which leave in one call to the system.
 */
function openSocket(stuckMs: number): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    const write = socket.write.bind(socket) as Write
    socket.write = (bytes: Buffer | string, ...more: unknown[]): boolean => {
      const pieces = piecesOf(bytes)
      return pieces === undefined ? write(bytes, ...more) : writePieces(socket, write, pieces)
    }
    socket.setTimeout(stuckMs, () => {
      if (socket.writableLength > 0) socket.destroy(new Error('the broker has stopped reading'))
    })
    return socket
  }
}

/** Read anew for each connection: certificates may have changed. A `servername` of undefined would mean none at all. */
function ssl(tls: ClientTls): ConnectionOptions {
  const { rejectUnauthorized, servername } = tls
  return {
    get secureContext() {
      return tls.secureContext
    },
    rejectUnauthorized,
    ...(servername === undefined ? {} : { servername }),
  }
}

function retries({ retries, retryBackoffMs }: KafkaConnection) {
  return { retries, initialRetryTime: retryBackoffMs, maxRetryTime: Math.max(retryBackoffMs, 30_000) }
}

function sasl(login: KafkaLogin): SASLOptions {
  if (login.mechanism === 'OAUTHBEARER') {
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await login.token() }) }
  }
  const { username, password } = login
  switch (login.mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', username, password }
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', username, password }
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', username, password }
  }
}

/**
 * kafkajs calls an error what it will try again, so its words are for whoever looks closely. What it gives up on is
 * thrown to us and told by whoever called.
 */
function handOn(log: Logger, namespace: string, entry: LogEntry['log']): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry
  log.debug('Kafka client', { client: 'kafkajs', part: namespace, detail: message, ...fields })
}

export function kafkaJsProducer(connection: KafkaConnection, producing: KafkaProducing): KafkaProducer {
  return new KafkaJsProducer(connection, producing)
}

class KafkaJsProducer implements KafkaProducer {
  readonly #kafka: InstanceType<typeof Kafka>
  readonly #connection: KafkaConnection
  readonly #producing: KafkaProducing
  readonly #queue = new OneAtATime()
  #producer: Producer | undefined
  #connecting: Promise<Producer> | undefined
  #admin: Promise<Admin> | undefined
  #closed = false

  constructor(connection: KafkaConnection, producing: KafkaProducing) {
    this.#kafka = kafkaJs(connection)
    this.#connection = connection
    this.#producing = producing
  }

  async connect(): Promise<void> {
    await this.#connected()
  }

  /** kafkajs connects by itself again later; the first time somebody has to say so. */
  #connected(): Promise<Producer> {
    if (this.#closed) return Promise.reject(silent('the client', 'it is closed', false))
    this.#connecting ??= this.#connect().catch(error => {
      this.#connecting = undefined
      throw problem(error, this.#where, false)
    })
    return this.#connecting
  }

  async #connect(): Promise<Producer> {
    const { createTopics, idempotent } = this.#producing
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: createTopics,
      metadataMaxAge: this.#connection.metadataMaxAgeMs,
      idempotent,
      // Every message says where it goes.
      createPartitioner: () => args => args.message.partition!,
      retry: retries(this.#connection),
    })
    await producer.connect()
    this.#producer = producer
    return producer
  }

  get #where(): string {
    return this.#connection.brokers.join(', ')
  }

  async topic(name: string): Promise<KafkaTopic> {
    const producer = await this.#connected()
    try {
      // An empty batch: it asks for the topic as a full one would, so that the broker makes it where it is told to.
      await producer.send({ topic: name, messages: [] })
      const admin = await this.#administrating()
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
      const { partitions } = topics[0]!
      return {
        partitions: partitions.length,
        writable: partitions.filter(one => one.leader >= 0).map(one => one.partitionId),
      }
    } catch (error) {
      throw problem(error, `topic ${name}`, false)
    }
  }

  #administrating(): Promise<Admin> {
    this.#admin ??= this.#startAdmin().catch(error => {
      this.#admin = undefined
      throw error
    })
    return this.#admin
  }

  async #startAdmin(): Promise<Admin> {
    const admin = this.#kafka.admin({ retry: retries(this.#connection) })
    await admin.connect()
    return admin
  }

  produce(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    if (!this.#producing.idempotent) return this.#produce(topic, partition, messages)
    return this.#queue.run(async () => {
      try {
        await this.#produce(topic, partition, messages)
      } catch (error) {
        // The numbers of a batch whose fate is not known must not be given to another: the broker would take that one
        // for the first and drop it. A new producer has new ones.
        await this.#forget()
        throw error
      }
    })
  }

  async #produce(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const { acks, compression, compressionLevel } = this.#producing
    const producer = await this.#connected()
    const request = {
      topic,
      acks,
      timeout: this.#connection.requestTimeoutMs,
      compression: compressionType(compression),
      messages: messages.map(message => toKafkaJs(message, partition)),
    }
    try {
      if (compression === 'none') await producer.send(request)
      else await level.run(compressionLevel, () => producer.send(request))
    } catch (error) {
      throw problem(error, `topic ${topic}, partition ${partition}`, true)
    }
  }

  async #forget(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    this.#connecting = undefined
    await producer?.disconnect().catch(() => undefined)
  }

  async close(): Promise<void> {
    this.#closed = true
    const admin = this.#admin
    this.#admin = undefined
    await Promise.all([
      this.#forget(),
      admin?.then(
        one => one.disconnect(),
        () => undefined,
      ),
    ])
  }
}

function toKafkaJs(message: KafkaMessage, partition: number): Message {
  const key = message.key === undefined ? null : asBuffer(message.key)
  const value = asBuffer(message.value)
  if (message.headers.length === 0) return { partition, key, value }
  const headers: IHeaders = Object.create(null)
  for (const { name, value } of message.headers) {
    const before = headers[name]
    if (before === undefined) headers[name] = asBuffer(value)
    else if (Array.isArray(before)) before.push(asBuffer(value))
    else headers[name] = [before, asBuffer(value)]
  }
  return { partition, key, value, headers }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

interface KafkaJsError extends Error {
  readonly type?: string
  readonly code?: string | number
}

/** `sent`: whether the request may have left when there was no answer. Also for the consumer's file. */
export function problem(error: unknown, what: string, sent: boolean): KafkaProblem {
  let one = error as KafkaJsError
  for (let depth = 0; depth < 10; depth++) {
    if (one instanceof KafkaProblem) return one
    if (one.type !== undefined) return answered(one.type, one.message, what, error)
    if (one.name === 'KafkaJSSASLAuthenticationError') {
      return answered('SASL_AUTHENTICATION_FAILED', one.message, what, error)
    }
    if (one.cause === undefined || one.cause === one) break
    one = one.cause as KafkaJsError
  }
  switch (one.name) {
    case 'KafkaJSMetadataNotLoaded':
      return answered('UNKNOWN_TOPIC_OR_PARTITION', '', what, error)
    case 'KafkaJSRequestTimeoutError':
    case 'KafkaJSConnectionClosedError':
      return silent(what, one.message, sent, error)
    case 'KafkaJSConnectionError':
    case 'KafkaJSNoBrokerAvailableError':
    case 'KafkaJSBrokerNotFound':
    case 'KafkaJSLockTimeout':
      return silent(what, one.message, false, error)
    default:
      return silent(what, `${one.name}: ${one.message}`, sent, error)
  }
}
