/**
 * Elasticsearch 8.19.21 or 9.5.3, one node, plain HTTP without a login: in a container of the official image where Docker
 * is (docker.ts), else a real node from Maven's jars in a JVM of this machine (Java 17; 9 has a newer one of its own). Of
 * the latter, what has no jars is not there: `GET /` (405), ILM, the API of data streams (streams themselves work),
 * scripts, and field types of other modules. No test may need those.
 */

import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { createContainer, keepContainer, wayOf } from './docker.ts'
import { IMAGES } from './images.ts'
import { newerJava } from './java.ts'
import { freePort } from './ports.ts'
import { complete, eventually } from './process.ts'
import { addressFromEnvironment, type Kept, keep, logged, ownFolder, shared, stopKept } from './service.ts'

const file = (name: string): string => fileURLToPath(new URL(`elasticsearch/${name}`, import.meta.url))
const node = file('EsNode.java')

interface Release {
  readonly name: 'elasticsearch' | 'elasticsearch-9'
  readonly version: string
  readonly pom: string
  /** Path of the `java` it runs in. */
  java(): Promise<string>
}

const EIGHT: Release = {
  name: 'elasticsearch',
  version: '8.19.21',
  pom: file('pom.xml'),
  java: async () => 'java',
}

const NINE: Release = { name: 'elasticsearch-9', version: '9.5.3', pom: file('pom-9.xml'), java: newerJava }

export interface Elasticsearch {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  readonly kept: readonly Kept[]
}

/**
 * URL of a node: $SLUICE_ELASTICSEARCH, else the run's own. Its indices belong to everyone: use prefixes of your own
 * (`indexPrefix`).
 */
export async function elasticsearchUrl(): Promise<string> {
  return addressFromEnvironment('SLUICE_ELASTICSEARCH') ?? (await elasticsearch()).url
}

function elasticsearch(): Promise<Elasticsearch> {
  return shared('elasticsearch', folder => start(EIGHT, folder, '', false))
}

/** The same for version 9, with $SLUICE_ELASTICSEARCH_9. */
export async function elasticsearch9Url(): Promise<string> {
  const given = addressFromEnvironment('SLUICE_ELASTICSEARCH_9')
  return given ?? (await shared('elasticsearch-9', folder => start(NINE, folder, '', false))).url
}

/**
 * A node of this test alone, which it may stop and start again with the data it had. `settings`: lines for its
 * elasticsearch.yml.
 */
export async function ownElasticsearch(settings = ''): Promise<OwnElasticsearch> {
  const folder = ownFolder('elasticsearch')
  return new OwnElasticsearch(folder, await start(EIGHT, folder, settings, true))
}

export class OwnElasticsearch implements Elasticsearch {
  readonly url: string
  readonly #folder: string
  #kept: Kept

  constructor(folder: string, { url, kept }: Elasticsearch) {
    this.url = url
    this.#folder = folder
    this.#kept = kept[0]!
  }

  get kept(): readonly Kept[] {
    return [this.#kept]
  }

  async stop(): Promise<void> {
    await stopKept(this.#kept)
  }

  async start(): Promise<void> {
    const from = statSync(this.#kept.log).size
    const { container, log } = this.#kept
    this.#kept = container === undefined ? await keepNode(EIGHT, this.#folder) : keepContainer(container, log)
    await ready(this.#kept, this.url, from)
  }
}

let prefixes = 0

/** A prefix that no other test uses. */
export function indexPrefix(word = 'test'): string {
  return `${word}-${process.pid}-${Date.now().toString(36)}-${prefixes++}`
}

async function start(
  release: Release,
  folder: string,
  settings: string,
  stays: boolean,
): Promise<Elasticsearch> {
  const port = await freePort()
  const common = `cluster.name: test
node.name: node-1
http.port: ${port}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
action.destructive_requires_name: false
${settings}
`
  const inside = (await wayOf(release.name)) === 'docker'
  const kept = inside
    ? keepContainer(await createNode(release, folder, common, port, stays), join(folder, 'log'))
    : await configureNode(release, folder, common)
  const url = `http://127.0.0.1:${port}`
  try {
    await ready(kept, url, 0)
  } catch (error) {
    await stopKept(kept)
    throw error
  }
  return { url, kept: [kept] }
}

/** Modules that the jars do not have are switched off, or they would phone home and want memory. */
const IMAGE_SETTINGS = `network.host: 0.0.0.0
xpack.security.enabled: false
xpack.ml.enabled: false
ingest.geoip.downloader.enabled: false
`

/** Name of the container. */
async function createNode(
  { name }: Release,
  folder: string,
  common: string,
  port: number,
  stays: boolean,
): Promise<string> {
  const config = join(folder, 'elasticsearch.yml')
  writeFileSync(config, common + IMAGE_SETTINGS)
  return createContainer({
    image: name,
    word: name,
    env: { ES_JAVA_OPTS: '-Xms512m -Xmx512m' },
    ports: [port],
    files: { '/usr/share/elasticsearch/config/elasticsearch.yml': config },
    stays,
  })
}

async function configureNode(release: Release, folder: string, common: string): Promise<Kept> {
  for (const name of ['tmp', 'config', 'data']) mkdirSync(join(folder, name), { recursive: true })
  const own = `path.data: ${folder}/data
path.logs: ${folder}
network.host: 127.0.0.1
transport.port: ${await freePort()}
`
  writeFileSync(join(folder, 'config', 'elasticsearch.yml'), common + own)
  return keepNode(release, folder)
}

async function ready(kept: Kept, url: string, from: number): Promise<void> {
  await logged(kept, /\bstarted\b/, from)
  await eventually(
    async () => (await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`)).ok || undefined,
    'a healthy Elasticsearch',
    60_000,
  )
}

async function keepNode(release: Release, folder: string): Promise<Kept> {
  const home = await homeOf(release)
  const java = ['-Xms384m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
  const set = {
    'es.nativelibs.path': join(home, 'native'),
    // It is on no registry; without the flag zstd is not found either.
    'org.elasticsearch.nativeaccess.enableVectorLibrary': 'false',
    'jna.tmpdir': join(folder, 'tmp'),
    'java.io.tmpdir': join(folder, 'tmp'),
    'java.awt.headless': 'true',
    'io.netty.noUnsafe': 'true',
    'io.netty.noKeySetOptimization': 'true',
    'log4j2.disable.jmx': 'true',
    'log4j.shutdownHookEnabled': 'false',
  }
  for (const [name, value] of Object.entries(set)) java.push(`-D${name}=${value}`)
  const classes = ['-cp', `${join(home, 'classes')}:${join(home, 'lib', '*')}`, 'EsNode', home]
  return keep(await release.java(), [...java, ...classes, join(folder, 'config')], join(folder, 'log'))
}

/** What runs 8, the name of an image or a folder. Throws when it cannot be had. */
export function elasticsearchProgram(): Promise<string> {
  return program(EIGHT)
}

/** The same for 9, where none is given: no test starts one of its own beside that. */
export async function elasticsearch9Program(): Promise<string> {
  return addressFromEnvironment('SLUICE_ELASTICSEARCH_9') ?? program(NINE)
}

async function program(release: Release): Promise<string> {
  if ((await wayOf(release.name)) === 'docker') return IMAGES[release.name].name
  await release.java()
  return homeOf(release)
}

/** A folder laid out as the distribution is, filled by Maven the first time. Throws when there is no Maven or no JDK. */
function homeOf(release: Release): Promise<string> {
  const { name, version, pom } = release
  return cached({
    what: `Elasticsearch ${version}`,
    takes: 'half a minute',
    name,
    pinnedBy: [pom, node],
    make: home => fill(home, release),
  })
}

async function fill(home: string, { version, pom }: Release): Promise<void> {
  const lib = join(home, 'lib')
  const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime']
  await complete('mvn', ['-q', '-B', '-f', pom, ...copy])
  // A module's jars must not be on the class path as well.
  const module = join(home, 'modules', 'transport-netty4')
  mkdirSync(module, { recursive: true })
  mkdirSync(join(home, 'native'), { recursive: true })
  for (const jar of readdirSync(lib))
    if (/^(?:netty-|transport-netty4-)/.test(jar)) renameSync(join(lib, jar), join(module, jar))
  writeFileSync(
    join(module, 'plugin-descriptor.properties'),
    `name=transport-netty4
description=HTTP
version=${version}
elasticsearch.version=${version}
java.version=17
classname=org.elasticsearch.transport.netty4.Netty4Plugin
`,
  )
  await complete('javac', ['--release', '17', '-d', join(home, 'classes'), node])
}
