/** What must be there before the first document: index templates, and for those the version of the cluster. */

import { Refused } from '../../core/component/outcome.ts'
import type { DocumentKind } from '../../core/formats/jaeger-es/index-names.ts'
import { indexTemplate } from '../../core/formats/jaeger-es/templates.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import { wordsOf } from './answers.ts'
import type { Cluster } from './client.ts'
import { type JaegerConfig, rotationOf } from './jaeger-config.ts'

interface Product {
  readonly version: number
  readonly isOpenSearch: boolean
}

/** No longer than this for one of its requests. */
const REQUEST_MS = 30_000
const OLDEST = 7
/** The version of a cluster that does not say. */
const USUAL = 8

/** Done once; asked again after every failure. */
export class Setup {
  readonly #cluster: Cluster
  readonly #config: JaegerConfig
  readonly #log: Logger
  #running: Promise<void> | undefined
  #isDone: boolean
  #isGuessTold = false

  constructor(cluster: Cluster, config: JaegerConfig, log: Logger) {
    this.#cluster = cluster
    this.#config = config
    this.#log = log
    this.#isDone = !config.create_mappings
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Resolves once the templates are there. Throws Refused when that could not be, and may be tried again. */
  async run(): Promise<void> {
    if (this.#isDone) return
    this.#running ??= this.#put().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #put(): Promise<void> {
    const product = await this.#product()
    const { indices, ilm_policy, dependencies } = this.#config
    const { spans: span, services: service } = indices
    const kinds = { span, service, ...(dependencies && { dependencies: indices.dependencies }) }
    for (const [kind, { shards, replicas, priority }] of Object.entries(kinds) as [
      DocumentKind,
      typeof span,
    ][]) {
      const { path, body } = indexTemplate(kind, {
        ...product,
        prefix: indices.index_prefix,
        rotation: rotationOf(this.#config),
        shards,
        replicas,
        priority,
        policy: ilm_policy,
      })
      const answer = await this.#cluster.request({
        method: 'PUT',
        path,
        body: Buffer.from(JSON.stringify(body)),
        signal: AbortSignal.timeout(REQUEST_MS),
      })
      if (answer.status >= 300) throw templateProblem(path, wordsOf(answer))
    }
    this.#isDone = true
    this.#log.info('index templates are there', { version: product.version })
  }

  async #product(): Promise<Product> {
    const { version } = this.#config
    // OpenSearch calls itself 7 here, but what rolls its indices over has other names.
    const asks = version === '' || (version === '7' && rotationOf(this.#config) === 'auto_rollover')
    if (!asks) return { version: Number(version), isOpenSearch: false }
    const answer = await this.#cluster.request({
      method: 'GET',
      path: '/',
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    const { version: said } = (answer.body ?? {}) as {
      version?: { number?: unknown; distribution?: unknown }
    }
    if (version !== '') return { version: Number(version), isOpenSearch: said?.distribution === 'opensearch' }
    const major = Number.parseInt(String(said?.number ?? ''), 10)
    if (said?.distribution === 'opensearch') return { version: OLDEST, isOpenSearch: true }
    if (major >= OLDEST) return { version: major, isOpenSearch: false }
    if (major > 0)
      throw new Refused(`Elasticsearch ${major} is too old: Jaeger reads 7, 8 and 9, and OpenSearch`)
    if (answer.status === 401 || answer.status === 403 || answer.status === 429 || answer.status >= 500)
      throw new Refused(`the cluster does not tell its version: ${wordsOf(answer)}`)
    if (!this.#isGuessTold)
      this.#log.warn(
        'The cluster does not tell its version, so it is taken for Elasticsearch 8. Write jaeger.version.',
        {
          answer: wordsOf(answer),
        },
      )
    this.#isGuessTold = true
    return { version: USUAL, isOpenSearch: false }
  }
}

function templateProblem(path: string, words: string): Refused {
  return new Refused(
    `the index template ${path} is not taken: ${words}; put right what is wrong, or make the templates yourself and write jaeger.create_mappings: false`,
    { status: 'FAILED_PRECONDITION' },
  )
}
