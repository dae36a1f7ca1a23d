/**
 * Kafka, one node or three, each broker and controller (KRaft), with a listener for every way to log in:
 *
 *     plain    no TLS, no login
 *     sasl     PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (KAFKA_USER, KAFKA_PASSWORD), OAUTHBEARER with unsecured tokens
 *     tls      the certificate is for 127.0.0.1
 *     saslTls  both
 *
 * From Maven's jars and this machine's Java. Not from Docker: tests kill brokers and stop them in the middle of what they
 * do, which reaches the client of an engine and not the broker. Each start makes new data; topics are made when they are
 * used.
 */

import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificates } from '../kit/certificates.ts'
import { cacheFolder } from './cache.ts'
import { freePort } from './ports.ts'
import { complete, eventually } from './process.ts'
import {
  addressFromEnvironment,
  alive,
  type Kept,
  keep,
  logged,
  ownFolder,
  shared,
  stopKept,
} from './service.ts'

const pom = fileURLToPath(new URL('kafka/pom.xml', import.meta.url))
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'

export const KAFKA_USER = 'sluice'
export const KAFKA_PASSWORD = 'sluice-secret'

const LISTENERS = ['plain', 'sasl', 'tls', 'saslTls'] as const
type Listener = (typeof LISTENERS)[number]

/** `host:port` of every node, by listener. */
export type KafkaAddresses = Readonly<Record<Listener, readonly string[]>>

export interface Kafka {
  readonly addresses: KafkaAddresses
  /** The authority that signed the certificates of `tls` and `saslTls`: path of a PEM file. */
  readonly ca: string
  readonly kept: readonly Kept[]
}

export interface KafkaOptions {
  readonly nodes?: 1 | 3
  /** Of topics that are made by being used. */
  readonly partitions?: number
  /** Gives each node a disk of its own, of so many bytes, that can be filled (`fillDisk`). Takes a user who may mount. */
  readonly diskBytes?: number
}

/**
 * Bootstrap addresses of a broker without TLS or login: $SLUICE_KAFKA (commas between several), else the run's own.
 * Topics of it belong to everyone: use names of your own (`topicName`).
 */
export async function kafkaBrokers(): Promise<readonly string[]> {
  const given = addressFromEnvironment('SLUICE_KAFKA')
  return given === undefined ? (await kafka()).addresses.plain : given.split(',')
}

/** The run's own server, with all its listeners. */
export function kafka(options: KafkaOptions = {}): Promise<Kafka> {
  const { nodes = 1, partitions = 1 } = options
  return shared(`kafka-${nodes}-${partitions}`, folder => startKafka(folder, options))
}

/** A server of this test alone, which it may stop, kill and start again with the data it had. */
export async function ownKafka(options: KafkaOptions = {}): Promise<OwnKafka> {
  const folder = ownFolder('kafka')
  const server = await startKafka(folder, options).catch(error => {
    unmountDisks(folder)
    throw error
  })
  return new OwnKafka(folder, server, options.nodes ?? 1)
}

export class OwnKafka implements Kafka {
  readonly addresses: KafkaAddresses
  readonly ca: string
  readonly kept: Kept[]
  readonly #folder: string

  constructor(folder: string, server: Kafka, nodes: number) {
    this.#folder = folder
    this.addresses = server.addresses
    this.ca = server.ca
    this.kept = server.kept.slice(0, nodes)
  }

  /** Node numbers begin at 1. */
  async stop(node = 1): Promise<void> {
    await stopKept(this.kept[node - 1]!)
  }

  async kill(node = 1): Promise<void> {
    await stopKept(this.kept[node - 1]!, 'SIGUSR2')
  }

  async start(node = 1): Promise<void> {
    const { log } = this.kept[node - 1]!
    const from = statSync(log).size
    const kept = keepNode(await program(), join(this.#folder, `node-${node}`))
    this.kept[node - 1] = kept
    await logged(kept, READY, from)
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.kept.map(one => stopKept(one)))
    unmountDisks(this.#folder)
  }

  /** Somebody else's file takes what is left of the node's disk. */
  fillDisk(node = 1): void {
    const file = openSync(this.#ballast(node), 'w')
    try {
      for (let size = 1 << 20; size > 0; ) {
        try {
          if (writeSync(file, Buffer.alloc(size)) === 0) size >>= 1
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          size >>= 1
        }
      }
    } finally {
      closeSync(file)
    }
  }

  /** And goes. */
  emptyDisk(node = 1): void {
    unlinkSync(this.#ballast(node))
  }

  /** Resolves when the node has ended by itself. */
  async ended(node = 1): Promise<void> {
    await eventually(
      () => (alive(this.kept[node - 1]!.pid) ? undefined : true),
      `node ${node} to end`,
      60_000,
    )
  }

  #ballast(node: number): string {
    return join(this.#folder, `node-${node}`, 'data', 'ballast')
  }
}

/** A file system in memory: small, and full when it is full. */
function mountDisk(path: string, bytes: number): void {
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path])
}

/** Of all nodes in this folder. */
function unmountDisks(folder: string): void {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap(line => line.split(' ')[1] ?? [])
    .filter(path => path.startsWith(`${folder}/`))
  for (const path of mounted) execFileSync('umount', [path])
}

let topics = 0

/** A topic (or group) that no other test uses. */
export function topicName(word = 'topic'): string {
  return `${word}-${process.pid}-${Date.now().toString(36)}-${topics++}`
}

/** An unsecured JSON web token as the broker's OAUTHBEARER wants it (RFC 7519, alg none). */
export function unsecuredToken(subject = KAFKA_USER, lifetimeSeconds = 3600): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + lifetimeSeconds })}.`
}

const READY = /Kafka Server started/

/** A command that runs Java with Kafka's jars: what comes before the class's name. */
async function program(): Promise<readonly string[]> {
  const java = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
  const log = '-Dorg.slf4j.simpleLogger'
  java.push(`${log}.defaultLogLevel=warn`, `${log}.showDateTime=true`)
  java.push(`${log}.log.kafka.server.KafkaRaftServer=info`)
  return ['java', ...java, '-cp', join(await jars(), '*')]
}

/** Fetched by Maven the first time. Throws when there is no Maven or no Java. */
async function jars(): Promise<string> {
  const folder = cacheFolder('kafka', [pom])
  const lib = join(folder, 'lib')
  const done = join(folder, 'complete')
  if (!existsSync(done)) {
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime']
    await complete('mvn', ['-q', '-B', '-f', pom, ...copy])
    writeFileSync(done, '')
  }
  return lib
}

async function startKafka(
  folder: string,
  { nodes = 1, partitions = 1, diskBytes }: KafkaOptions,
): Promise<Kafka> {
  const command = await program()
  const ca = writeCertificates(folder)
  const ports: Record<Listener | 'controller', number>[] = []
  for (let node = 0; node < nodes; node++) {
    const [plain, sasl, tls, saslTls, controller] = await distinctPorts(5)
    ports.push({ plain: plain!, sasl: sasl!, tls: tls!, saslTls: saslTls!, controller: controller! })
  }
  const voters = ports.map(({ controller }, i) => `${i + 1}@127.0.0.1:${controller}`).join(',')
  const kept = await Promise.all(
    ports.map(async (own, i) => {
      const home = join(folder, `node-${i + 1}`)
      mkdirSync(join(home, 'tmp'), { recursive: true })
      if (diskBytes !== undefined) mountDisk(join(home, 'data'), diskBytes)
      writeFileSync(
        join(home, 'server.properties'),
        `${nodeConfig(i + 1, home, own, voters)}\n${clusterConfig(folder, nodes, partitions)}`,
      )
      const [program, ...args] = command
      const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
        '--add-scram',
        `${mechanism}=[name=${KAFKA_USER},password=${KAFKA_PASSWORD}]`,
      ])
      const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config']
      await complete(program!, [...args, ...format, join(home, 'server.properties'), ...scram])
      return keepNode(command, home)
    }),
  )
  try {
    await Promise.all(kept.map(one => logged(one, READY)))
  } catch (error) {
    await Promise.all(kept.map(one => stopKept(one)))
    throw error
  }
  const addresses = Object.fromEntries(
    LISTENERS.map(listener => [listener, ports.map(own => `127.0.0.1:${own[listener]}`)]),
  ) as Record<Listener, string[]>
  return { addresses, ca, kept }
}

function keepNode([program, ...args]: readonly string[], home: string): Kept {
  return keep(program!, [...args, 'kafka.Kafka', join(home, 'server.properties')], join(home, 'log'))
}

/** Asked for one after another, the same one may come twice: none is taken yet. */
async function distinctPorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

/** Key and certificate in one PEM, as Kafka wants them. Returns the path of the authority's. */
function writeCertificates(folder: string): string {
  const made = makeCertificates()
  try {
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, readFileSync(made.ca))
    writeFileSync(join(folder, 'server.pem'), made.read(made.serverKey) + made.read(made.serverCert))
    return ca
  } finally {
    made.remove()
  }
}

function nodeConfig(
  node: number,
  home: string,
  ports: Record<Listener | 'controller', number>,
  voters: string,
): string {
  const clients = LISTENERS.map(listener => `${listener.toUpperCase()}://127.0.0.1:${ports[listener]}`).join(
    ',',
  )
  return `process.roles=broker,controller
node.id=${node}
controller.quorum.voters=${voters}
listeners=${clients},CONTROLLER://127.0.0.1:${ports.controller}
advertised.listeners=${clients}
log.dirs=${home}/data`
}

/** Small, quick to start, and whole logs to read: see the Kafka documentation for each key. */
function clusterConfig(folder: string, nodes: number, partitions: number): string {
  const copies = Math.min(nodes, 3)
  const synced = Math.min(nodes, 2)
  const module = 'org.apache.kafka.common.security'
  const sasl = (listener: string) => {
    const key = `listener.name.${listener}`
    return `${key}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
${key}.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required user_${KAFKA_USER}="${KAFKA_PASSWORD}";
${key}.scram-sha-256.sasl.jaas.config=${module}.scram.ScramLoginModule required;
${key}.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;
${key}.oauthbearer.sasl.jaas.config=${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
  }
  return `listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASLTLS:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=${folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=${folder}/ca.pem
${sasl('sasl')}
${sasl('sasltls')}
num.partitions=${partitions}
auto.create.topics.enable=true
default.replication.factor=${copies}
min.insync.replicas=${synced}
offsets.topic.replication.factor=${copies}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=${synced}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=${copies}
share.coordinator.state.topic.min.isr=${synced}
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=2097152
`
}
