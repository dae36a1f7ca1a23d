/**
 * `health_check`: says over HTTP whether the gateway works. `path` (default /) answers as the Collector's does: 200
 * once everything has started, 503 before, while stopping, and when a component cannot work at all. /ready is ours
 * and stricter: 503 also while a component has trouble (the memory limiter refuses, nothing gets through an exporter for
 * a minute), with the components named.
 */

import { flag, formatDuration, integer, optional, section, text, type ValueOf } from '../config/schema.ts'
import type { ExtensionFactory, Host, PartHealth } from '../core/component/contract.ts'
import { ADMIN_IGNORED, adminFields } from '../core/transport/admin-config.ts'
import { AdminPages, type Page } from '../core/transport/http-admin.ts'

const READY_PATH = '/ready'

/**
 * A server that is away for a moment is what queues are for: an exporter counts only when nothing has got through for
 * this long. Otherwise one restart behind the gateways would take all of them out of service.
 */
const EXPORTER_PATIENCE_MS = 60_000

const config = section(
  {
    ...adminFields('localhost:13133'),
    path: text({
      default: '/',
      doc: 'Path that answers.',
      check: path =>
        path.startsWith('/') ? undefined : [`"${path}" does not start with /`, `write /${path}`],
    }),
    response_body: optional(
      section(
        {
          healthy: text({ default: '', doc: 'Body when healthy.' }),
          unhealthy: text({ default: '', doc: 'Body when not.' }),
        },
        { doc: 'Bodies instead of the JSON ones.' },
      ),
    ),
    check_collector_pipeline: section(
      {
        enabled: flag({ default: false, doc: 'Has no effect, as in the Collector.' }),
        interval: text({ default: '5m', doc: 'Has no effect.' }),
        exporter_failure_threshold: integer({ default: 5, doc: 'Has no effect.' }),
      },
      { doc: 'Deprecated in the Collector: it never worked. /ready does what it promised.' },
    ),
  },
  {
    doc: 'Health of the gateway over HTTP.',
    ignored: {
      ...ADMIN_IGNORED,
      use_v2: 'the pages of version 2 are not there; /ready tells of components',
      http: 'it belongs to version 2',
      grpc: 'it belongs to version 2',
      component_health: '/ready counts every error',
    },
    check: ({ check_collector_pipeline }, report) => {
      if (check_collector_pipeline.enabled)
        report.warn('check_collector_pipeline', 'has no effect, as in the Collector', `look at ${READY_PATH}`)
    },
  },
)

type Config = ValueOf<typeof config>

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'health_check',
  doc: 'Says over HTTP whether the gateway works and whether it can take data right now.',
  stability: 'beta',
  workers: 'primary',
  config,
  listens: ({ endpoint }) => [{ key: 'endpoint', endpoint, transport: 'tcp' }],
  create: (own, { host, log }) =>
    new AdminPages(own.endpoint, 'health_check', url => answer(own, host, url.pathname), {
      tls: own.tls,
      auth: own.auth,
      host,
      log,
    }),
}

function answer(config: Config, host: Host, path: string): Page | undefined {
  const own = config.path
  if (path === READY_PATH && own !== READY_PATH) return readiness(host)
  // A path that ends in a slash, as the default does, has everything below it, as in the Collector.
  const hit = own.endsWith('/') ? path.startsWith(own) : path === own
  return hit ? health(host, config.response_body) : undefined
}

function health(host: Host, bodies: Config['response_body']): Page {
  const healthy = host.ready && troubled(host, ['permanent_error']).length === 0
  const status = healthy ? 200 : 503
  if (bodies !== undefined) {
    return { status, type: 'text/plain; charset=utf-8', body: healthy ? bodies.healthy : bodies.unhealthy }
  }
  return json(status, healthy ? available(host) : UNAVAILABLE)
}

/** What the Collector says before it is ready: Go's zero time and an empty uptime. */
const UNAVAILABLE = { status: 'Server not available', upSince: '0001-01-01T00:00:00Z', uptime: '' }

function available({ build }: Host): object {
  return {
    status: 'Server available',
    upSince: new Date(build.startedAt).toISOString(),
    uptime: formatDuration(Date.now() - build.startedAt),
  }
}

function readiness(host: Host): Page {
  const components = troubled(host, ['permanent_error', 'recoverable_error']).filter(
    ({ component, state, seconds }) =>
      state === 'permanent_error' ||
      !component.startsWith('exporter/') ||
      seconds * 1000 >= EXPORTER_PATIENCE_MS,
  )
  const ready = host.ready && components.length === 0
  const { lastReload } = host.describe()
  // A gateway with a good old config can take data: a bad new one is told of, and changes no status.
  const config = lastReload?.outcome === 'rejected' ? { config: lastReload } : {}
  return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', components, ...config })
}

interface Trouble {
  readonly component: string
  readonly state: string
  readonly reason: string
  /** How long it has been so. */
  readonly seconds: number
}

function troubled(host: Host, states: readonly PartHealth['state'][]): Trouble[] {
  return [...host.describe().health]
    .filter(([, { state }]) => states.includes(state))
    .map(([component, { state, message = '', since = Date.now() }]) => ({
      component,
      state,
      reason: message,
      seconds: Math.round((Date.now() - since) / 1000),
    }))
}

function json(status: number, value: object): Page {
  return { status, type: 'application/json', body: JSON.stringify(value) }
}
