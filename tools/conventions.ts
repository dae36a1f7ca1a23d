/**
 * Writes gateway/conventions.txt, the metrics of the semantic conventions, from a checkout of them:
 *
 *     node tools/conventions.ts PATH/model 1.44.0
 *
 * Run by hand when a new version is out; the file is committed. Then run `npm run docs`.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** What the folders of the conventions are called here; others keep their name. */
const FAMILIES: Readonly<Record<string, string>> = {
  aspnetcore: 'ASP.NET Core',
  azure: 'Azure',
  cicd: 'CI/CD',
  container: 'container',
  cpython: 'CPython runtime',
  db: 'database',
  dns: 'DNS',
  dotnet: '.NET runtime',
  faas: 'FaaS',
  'gen-ai': 'generative AI',
  go: 'Go runtime',
  http: 'HTTP',
  jvm: 'JVM runtime',
  k8s: 'Kubernetes',
  kestrel: 'Kestrel',
  nfs: 'NFS',
  nodejs: 'Node.js runtime',
  openshift: 'OpenShift',
  otel: 'general: the OpenTelemetry SDK and Collector',
  rpc: 'RPC',
  signalr: 'SignalR',
  v8js: 'V8 runtime',
  vcs: 'version control',
}

interface Written {
  readonly type?: string
  readonly metric_name?: string
  readonly name?: string
  readonly instrument?: string
  readonly unit?: string
  readonly stability?: string
  readonly deprecated?: unknown
}

function metricsOf(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.yaml') && !file.includes('deprecated'),
  )
  const all = files.flatMap(file => {
    const { groups = [], metrics = [] } = parse(readFileSync(join(folder, file), 'utf8')) as {
      groups?: Written[]
      metrics?: Written[]
    }
    return [...groups.filter(({ type }) => type === 'metric'), ...metrics]
  })
  return all
    .filter(({ deprecated, instrument }) => deprecated === undefined && instrument !== undefined)
    .map(one => [one.metric_name ?? one.name, one.unit, one.instrument, one.stability].join('\t'))
    .sort()
}

const [model, version] = process.argv.slice(2)
if (model === undefined || version === undefined)
  throw new Error('write node tools/conventions.ts PATH/model VERSION')
const lines = [
  `# Metrics of the OpenTelemetry semantic conventions ${version}, without deprecated ones: name, unit, instrument and`,
  '# stability between tabs, families in brackets. Written by tools/conventions.ts.',
]
const folders = readdirSync(model, { withFileTypes: true }).filter(entry => entry.isDirectory())
for (const folder of folders.map(({ name }) => name).sort()) {
  const metrics = metricsOf(join(model, folder))
  if (metrics.length > 0) lines.push(`[${FAMILIES[folder] ?? folder}]`, ...metrics)
}
writeFileSync(fileURLToPath(new URL('../gateway/conventions.txt', import.meta.url)), `${lines.join('\n')}\n`)
