/**
 * `otlp_http`: sends batches to an OTLP/HTTP server, the bytes as they came.
 *
 *     exporters:
 *       otlp_http:
 *         endpoint: https://gateway:4318     # /v1/traces, /v1/metrics ... are added
 *         compression: zstd
 *         headers: {Authorization: "Bearer ${env:TOKEN}"}
 *
 * The Collector's keys, defaults and answers (exporter/otlphttpexporter 0.155).
 */

import { choice, section, text, type ValueOf } from '../config/schema.ts'
import { type Batch, contiguous } from '../core/component/batch.ts'
import type {
  ConsumeContext,
  Exporter,
  ExporterFactory,
  SendResult,
  Settings,
} from '../core/component/contract.ts'
import { sendingFields } from '../core/component/sending-config.ts'
import { requestToJsonBytes } from '../core/otlp/json.ts'
import { readResponse, readStatus } from '../core/otlp/response.ts'
import { SIGNAL_WORDS, SIGNALS, type Signal } from '../core/otlp/signals.ts'
import { compressionProblem } from '../core/transport/compress.ts'
import { type HttpAnswer, HttpClient, httpClientFields } from '../core/transport/http-client.ts'
import {
  isRetryableHttp,
  oneLine,
  retryAfterMs,
  sentResult,
  statusOfHttp,
  throwOutcome,
} from '../core/transport/otlp-outcome.ts'
import { userAgent } from '../core/transport/user-agent.ts'

const SIGNAL_KEYS = ['traces_endpoint', 'metrics_endpoint', 'logs_endpoint', 'profiles_endpoint'] as const

/** What is wrong with a URL, and what to write instead. */
function urlProblem(url: string): readonly [wrong: string, fix: string] | undefined {
  if (url === '') return undefined
  if (!/^https?:\/\//i.test(url)) {
    const host = url.replace(/^[a-z]+:\/\//i, '')
    return [`"${url}" does not begin with http:// or https://`, `write http://${host} or https://${host}`]
  }
  return URL.canParse(url) ? undefined : [`"${url}" is not a URL`, 'write http://host:port']
}

function signalEndpoint(signal: Signal) {
  return text({
    default: '',
    doc: `Whole URL for ${signal}. Empty: endpoint and ${SIGNAL_WORDS[signal].path}.`,
    check: urlProblem,
  })
}

const config = section(
  {
    endpoint: text({
      default: '',
      doc: 'Base URL of the server: http://host:4318. The path of each signal is added.',
      check: urlProblem,
    }),
    traces_endpoint: signalEndpoint('traces'),
    metrics_endpoint: signalEndpoint('metrics'),
    logs_endpoint: signalEndpoint('logs'),
    profiles_endpoint: signalEndpoint('profiles'),
    encoding: choice(['proto', 'json'], { default: 'proto', doc: 'How requests are written.' }),
    ...sendingFields('30s'),
    ...httpClientFields({ compression: 'gzip', writeBufferSize: 512 * 1024 }),
  },
  {
    doc: 'Sends to an OTLP/HTTP server.',
    check(value, report) {
      if (value.endpoint === '' && SIGNAL_KEYS.every(key => value[key] === '')) {
        report.error('', 'has no endpoint', 'write endpoint: http://host:4318')
      }
      if (/\/v1(development)?\/[a-z]+\/?$/.test(value.endpoint)) {
        report.warn('endpoint', 'ends with the path of a signal, which is added again', 'end it before /v1')
      }
      if (/:4317\/?$/.test(value.endpoint)) {
        report.warn('endpoint', "4317 is the port of OTLP/gRPC, usually not HTTP's", 'write 4318')
      }
      const problem = compressionProblem(value)
      if (problem !== undefined) report.error(problem.key, problem.wrong, problem.fix)
    },
  },
)

export type OtlpHttpConfig = ValueOf<typeof config>

/** Where a signal goes; undefined when the config does not say. The Collector's composeSignalURL. */
export function signalUrl(config: OtlpHttpConfig, signal: Signal): URL | undefined {
  const own = config[`${signal}_endpoint`]
  if (own !== '') return new URL(own)
  if (config.endpoint === '') return undefined
  return new URL(config.endpoint.replace(/\/$/, '') + SIGNAL_WORDS[signal].path)
}

class OtlpHttpExporter implements Exporter {
  /** The socket reads what was made of the bytes; without JSON and compression it would be the bytes themselves. */
  readonly returnsBytes: boolean
  readonly #settings: Settings
  readonly #json: boolean
  readonly #urls: ReadonlyMap<Signal, URL>
  readonly #client: HttpClient

  constructor(config: OtlpHttpConfig, settings: Settings) {
    const urls = new Map<Signal, URL>()
    for (const signal of SIGNALS) {
      const url = signalUrl(config, signal)
      if (url !== undefined) urls.set(signal, url)
    }
    this.#settings = settings
    this.#json = config.encoding === 'json'
    this.#urls = urls
    this.#client = new HttpClient(config, userAgent(settings.host.build), settings.log)
    this.returnsBytes = this.#json || this.#client.compresses
  }

  async start(): Promise<void> {
    this.#client.open(this.#settings.host)
  }

  async stop(deadline: number): Promise<void> {
    await this.#client.close(deadline)
  }

  async send(batch: Batch, context: ConsumeContext): Promise<SendResult> {
    const url = this.#urls.get(batch.signal)!
    const chunks = this.#json ? [jsonBody(batch)] : batch.chunks
    const answer = await this.#client.send({
      method: 'POST',
      url,
      headers: { 'content-type': this.#json ? 'application/json' : 'application/x-protobuf' },
      chunks,
      byteLength: this.#json ? chunks[0]!.length : batch.byteLength,
      meta: batch.meta,
      signal: context.signal,
    })
    return this.#outcome(batch, url, answer)
  }

  #outcome(batch: Batch, url: URL, answer: HttpAnswer): SendResult {
    const { status, body } = answer
    const type = answer.header('content-type')
    if (status >= 200 && status < 300) {
      // A 2xx is the server's word that it has the items; a body that cannot be read does not take that back.
      const readable = !answer.cut && /^application\/(json|x-protobuf)/.test(type)
      return sentResult(batch, readable ? readResponse(body, type) : NOTHING_SAID, this.#settings.log)
    }
    const afterMs = retryAfterMs(answer.header('retry-after'), Date.now())
    const message = `${url.origin}${url.pathname} answered ${status}${words(answer, type)}`
    throwOutcome(isRetryableHttp(status), message, statusOfHttp(status), afterMs)
  }
}

const NOTHING_SAID = Object.freeze({ rejected: 0, message: '' })

function jsonBody(batch: Batch): Uint8Array {
  return requestToJsonBytes(contiguous(batch), batch.signal)
}

/** What the server said besides the number: the message of a google.rpc.Status, a redirect's target, a plain text. */
function words(answer: HttpAnswer, type: string): string {
  if (answer.status < 400) {
    const target = answer.header('location')
    return target === '' ? '' : `, a redirect to ${oneLine(target)}: write that as the endpoint`
  }
  const plain = type.startsWith('text/') ? Buffer.from(answer.body).toString() : ''
  const said = oneLine(plain === '' ? readStatus(answer.body, type).message : plain)
  return said === '' ? '' : `: ${said}`
}

export const factory: ExporterFactory<OtlpHttpConfig> = {
  kind: 'exporter',
  type: 'otlp_http',
  aliases: ['otlphttp'],
  doc: 'Sends to an OTLP/HTTP server: another gateway, a Collector, a vendor.',
  stability: 'beta',
  signals: SIGNALS,
  config,
  // Without any endpoint the section itself has complained.
  misfit: (config, signal) =>
    config.endpoint === '' &&
    config[`${signal}_endpoint`] === '' &&
    SIGNAL_KEYS.some(key => config[key] !== '')
      ? `it has neither endpoint nor ${signal}_endpoint`
      : undefined,
  sending: config => config,
  liveSignals: true,
  create: (config, settings) => new OtlpHttpExporter(config, settings),
}
