/**
 * The smallest config each component can run with in a test: what its defaults lack, listeners on any free port, and
 * servers that are not there. A component that runs on its defaults is not listed.
 */

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BACKEND } from '../../exporters/elasticsearch/storage-exporter.ts'
import type { CatalogEntry } from '../../gateway/catalog.ts'
import type { Tree } from '../kit/node.ts'

const ANY_PORT = '127.0.0.1:0'
/** The discard port, where nobody listens. */
const NOBODY = '127.0.0.1:9'
const ACTION = { key: 'contract', value: 'kept', action: 'insert' }

const CONFIGS: Readonly<Record<string, () => Tree>> = {
  // Its default is a port where somebody may well listen.
  'receiver/kafka': () => ({ brokers: [NOBODY] }),
  'receiver/otlp': () => ({ protocols: { grpc: { endpoint: ANY_PORT }, http: { endpoint: ANY_PORT } } }),
  'receiver/prometheus': () => ({
    config: { scrape_configs: [{ job_name: 'a', static_configs: [{ targets: [NOBODY] }] }] },
  }),
  'processor/attributes': () => ({ actions: [ACTION] }),
  'processor/batch': () => ({ send_batch_size: 40, send_batch_max_size: 50 }),
  'processor/memory_limiter': () => ({ check_interval: '1s', limit_mib: 1_000_000 }),
  'processor/probabilistic_sampler': () => ({ sampling_percentage: 50 }),
  'processor/resource': () => ({ attributes: [ACTION] }),
  'connector/span_metrics': () => ({
    exemplars: { enabled: true },
    dimensions: [{ name: 'contract', default: 'kept' }],
  }),
  'exporter/elasticsearch': () => ({ endpoint: `http://${NOBODY}`, mapping: { mode: 'jaeger' } }),
  'exporter/file': () => ({ path: join(mkdtempSync(join(tmpdir(), 'sluice-contract-')), 'out.json') }),
  // As it is once the backend that it names was gathered.
  'exporter/jaeger_storage_exporter': () => ({
    trace_storage: 'main',
    [BACKEND]: { server_urls: [`http://${NOBODY}`] },
  }),
  'exporter/kafka': () => ({ brokers: [NOBODY] }),
  'exporter/otlp_grpc': () => ({ endpoint: NOBODY, tls: { insecure: true } }),
  'exporter/otlp_http': () => ({ endpoint: `http://${NOBODY}` }),
  'extension/basicauth': () => ({ htpasswd: { inline: 'a:b' } }),
  'extension/bearertokenauth': () => ({ token: 'a' }),
  'extension/headers_setter': () => ({ headers: [{ action: 'insert', key: 'a', value: 'b' }] }),
  'extension/jaeger_storage': () => ({ backends: { main: { elasticsearch: {} } } }),
  'extension/oauth2client': () => ({ client_id: 'a', client_secret: 'b', token_url: `http://${NOBODY}` }),
  'exporter/prometheus': () => ({ endpoint: ANY_PORT }),
  'exporter/prometheus_remote_write': () => ({ endpoint: `http://${NOBODY}/api/v1/write` }),
  'extension/health_check': () => ({ endpoint: ANY_PORT }),
  'extension/pprof': () => ({ endpoint: ANY_PORT }),
  'extension/zpages': () => ({ endpoint: ANY_PORT }),
}

export function configOf({ kind, type }: CatalogEntry): Tree {
  return CONFIGS[`${kind}/${type}`]?.() ?? {}
}
