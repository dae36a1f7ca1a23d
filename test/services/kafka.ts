/**
 * Kafka, one node or three, each broker and controller (KRaft), with a listener for every way to log in:
 *
 *     plain    no TLS, no login
 *     sasl     PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (KAFKA_USER, KAFKA_PASSWORD), OAUTHBEARER with unsecured tokens
 *     tls      the certificate is for 127.0.0.1
 *     saslTls  both
 *
 * From the official image where Docker is (docker.ts), else from Maven's jars and this machine's Java; with a disk of its
 * own (`diskBytes`) always the latter. In containers one node publishes its ports; three share the network of the machine,
 * where they find each other. Each start makes new data; topics are made when they are used.
 */

import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificates } from '../kit/certificates.ts'
import { type Cached, cached } from './cache.ts'
import { createContainer, engine, keepContainer, remove, wayOf } from './docker.ts'
import { IMAGES } from './images.ts'
import {
  clusterConfig,
  KAFKA_PASSWORD,
  KAFKA_USER,
  LISTENERS,
  type Listener,
  nodeConfig,
  type Place,
  type Ports,
} from './kafka-config.ts'
import { freePort } from './ports.ts'
import { complete, eventually } from './process.ts'
import {
  addressFromEnvironment,
  alive,
  childOf,
  type Kept,
  keep,
  logged,
  ownFolder,
  shared,
  stopKept,
} from './service.ts'

const pom = fileURLToPath(new URL('kafka/pom.xml', import.meta.url))
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'

export { KAFKA_PASSWORD, KAFKA_USER } from './kafka-config.ts'

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
  return shared(`kafka-${nodes}-${partitions}`, folder => startKafka(folder, options, false))
}

/** A server of this test alone, which it may stop, kill and start again with the data it had. */
export async function ownKafka(options: KafkaOptions = {}): Promise<OwnKafka> {
  const folder = ownFolder('kafka')
  const server = await startKafka(folder, options, true).catch(error => {
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
    const { log, container } = this.kept[node - 1]!
    const from = statSync(log).size
    const home = join(this.#folder, `node-${node}`)
    const kept =
      container === undefined
        ? keepNode(await javaCommand(), home)
        : keepContainer(container, join(home, 'log'))
    this.kept[node - 1] = kept
    await logged(kept, READY, from)
  }

  /** It does nothing any more, and its sockets stay open, until `goOn`. */
  async hang(node = 1): Promise<void> {
    await this.#pause(this.kept[node - 1]!, 'pause', 'SIGSTOP')
  }

  async goOn(node = 1): Promise<void> {
    await this.#pause(this.kept[node - 1]!, 'unpause', 'SIGCONT')
  }

  async #pause(kept: Kept, word: string, signal: NodeJS.Signals): Promise<void> {
    if (kept.container === undefined) process.kill(childOf(kept), signal)
    else await complete(engine(), [word, kept.container])
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.kept.map(one => stopKept(one)))
    remove(this.kept.flatMap(({ container }) => container ?? []))
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
async function javaCommand(): Promise<readonly string[]> {
  const java = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
  const log = '-Dorg.slf4j.simpleLogger'
  java.push(`${log}.defaultLogLevel=warn`, `${log}.showDateTime=true`)
  java.push(`${log}.log.kafka.server.KafkaRaftServer=info`)
  return ['java', ...java, '-cp', join(await kafkaJars(), '*')]
}

const JARS: Cached = {
  what: 'Kafka',
  takes: 'about a minute',
  name: 'kafka',
  service: 'kafka-jars',
  pinnedBy: [pom],
  async make(folder) {
    const lib = join(folder, 'lib')
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime']
    await complete('mvn', ['-q', '-B', '-f', pom, ...copy])
  },
}

/** The folder of its jars, fetched by Maven the first time. Throws when there is no Maven or no Java. */
export async function kafkaJars(): Promise<string> {
  return join(await cached(JARS), 'lib')
}

/** What runs it, the name of an image or the folder of its jars. Throws when it cannot be had. */
export async function kafkaProgram(): Promise<string> {
  return (await wayOf('kafka')) === 'docker' ? IMAGES.kafka.name : kafkaJars()
}

async function startKafka(
  folder: string,
  { nodes = 1, partitions = 1, diskBytes }: KafkaOptions,
  stays: boolean,
): Promise<Kafka> {
  const inside = diskBytes === undefined && (await wayOf('kafka')) === 'docker'
  const command = inside ? [] : await javaCommand()
  const ca = writeCertificates(folder)
  const ports: Ports[] = []
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
      const place: Place = inside
        ? {
            address: nodes === 1 ? '0.0.0.0' : '127.0.0.1',
            data: '/var/lib/kafka/data',
            certificates: INSIDE,
          }
        : { address: '127.0.0.1', data: join(home, 'data'), certificates: folder }
      const config = `${nodeConfig(i + 1, own, voters, place)}\n${clusterConfig(nodes, partitions, place)}`
      if (inside) {
        const published = nodes === 1 ? LISTENERS.map(listener => own[listener]) : []
        return keepContainer(await createNode(folder, home, config, published, stays), join(home, 'log'))
      }
      writeFileSync(join(home, 'server.properties'), config)
      const [program, ...args] = command
      await complete(program!, [
        ...args,
        'kafka.tools.StorageTool',
        ...format(join(home, 'server.properties')),
      ])
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

/** Folder in the container with what it is given. */
const INSIDE = '/tmp/sluice'

/** Formats its disk the first time, then runs with its config, as `bin/` of the distribution would. Returns the name. */
async function createNode(
  folder: string,
  home: string,
  config: string,
  ports: readonly number[],
  stays: boolean,
): Promise<string> {
  const given = join(home, 'given')
  mkdirSync(given)
  writeFileSync(join(given, 'server.properties'), config)
  for (const name of ['server.pem', 'ca.pem']) copyFileSync(join(folder, name), join(given, name))
  const properties = `${INSIDE}/server.properties`
  const words = format(properties, '--ignore-formatted').map(word => `'${word}'`)
  const script = `/opt/kafka/bin/kafka-storage.sh ${words.join(' ')} && exec /opt/kafka/bin/kafka-server-start.sh ${properties}`
  return createContainer({
    image: 'kafka',
    word: basename(home),
    args: ['bash', '-c', script],
    env: { KAFKA_HEAP_OPTS: '-Xms256m -Xmx256m' },
    ports,
    files: { [INSIDE]: given },
    stays,
  })
}

function format(properties: string, ...flags: string[]): string[] {
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => [
    '--add-scram',
    `${mechanism}=[name=${KAFKA_USER},password=${KAFKA_PASSWORD}]`,
  ])
  return ['format', '--cluster-id', CLUSTER_ID, ...flags, '--config', properties, ...scram]
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
