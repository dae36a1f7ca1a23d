/**
 * `zpages`: what runs in this gateway, as plain pages under /debug/. The Collector's paths and keys; the pages need
 * nothing from the internet.
 */

import { flag, formatDuration, section, type ValueOf } from '../config/schema.ts'
import type { ExtensionFactory, Host } from '../core/component/contract.ts'
import { offersOf } from '../core/component/extensions.ts'
import { ADMIN_IGNORED, adminFields } from '../core/transport/admin-config.ts'
import { AdminPages, escapeHtml, type Page } from '../core/transport/http-admin.ts'

const config = section(
  {
    ...adminFields('localhost:55679'),
    expvar: section(
      { enabled: flag({ default: false, doc: 'Serve /debug/expvarz.' }) },
      { doc: 'Numbers of the process as JSON.' },
    ),
  },
  { doc: 'Pages that show what runs.', ignored: ADMIN_IGNORED },
)

type Config = ValueOf<typeof config>

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'zpages',
  doc: 'Pages under /debug/ that show pipelines, components, and where every item went.',
  stability: 'beta',
  workers: 'primary',
  config,
  listens: ({ endpoint }) => [{ key: 'endpoint', endpoint, transport: 'tcp' }],
  create: (own, { host, log }) =>
    new AdminPages(own.endpoint, 'zpages', url => answer(own, host, url.pathname), {
      tls: own.tls,
      auth: own.auth,
      host,
      log,
    }),
}

function answer(config: Config, host: Host, path: string): Page | undefined {
  const name = path.replace(/\/$/, '')
  if (name === '/debug/expvarz') return config.expvar.enabled ? expvar() : undefined
  const page = PAGES[name]
  if (page === undefined) return undefined
  const [title, body] = page(host)
  return { type: 'text/html; charset=utf-8', body: frame(title, body) }
}

type Row = readonly (string | number)[]

const PAGES: Readonly<Record<string, (host: Host) => readonly [title: string, body: string]>> = {
  '/debug': () => ['Pages', links()],
  '/debug/servicez': host => ['Service', service(host)],
  '/debug/pipelinez': host => ['Pipelines', pipelines(host) + ledger(host)],
  '/debug/extensionz': host => ['Extensions', extensions(host)],
  '/debug/featurez': () => ['Feature gates', '<p>Gates are accepted and change nothing here.</p>'],
  '/debug/tracez': () => [
    'Traces',
    '<p>Traces of the gateway itself are sent where service::telemetry::traces::processors says.</p>',
  ],
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;margin:1em 0}
th,td{text-align:left;padding:.25em .8em;border-bottom:1px solid #ddd}td.n{text-align:right}`

function frame(title: string, body: string): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head><body><h1>${escapeHtml(title)}</h1>${links()}${body}</body></html>`
}

function links(): string {
  const names = ['servicez', 'pipelinez', 'extensionz', 'featurez', 'tracez']
  return `<p>${names.map(name => `<a href="/debug/${name}">${name}</a>`).join(' ')}</p>`
}

function table(head: readonly string[], rows: readonly Row[]): string {
  const cell = (value: string | number): string =>
    `<td${typeof value === 'number' ? ' class="n"' : ''}>${escapeHtml(String(value))}</td>`
  const body = rows.map(row => `<tr>${row.map(cell).join('')}</tr>`).join('')
  return `<table><tr>${head.map(name => `<th>${escapeHtml(name)}</th>`).join('')}</tr>${body}</table>`
}

function service(host: Host): string {
  const { build, ready } = host
  return table(
    ['', ''],
    [
      ['name', build.name],
      ['version', build.version],
      ['ready', ready ? 'yes' : 'no'],
      ['started', new Date(build.startedAt).toISOString()],
      ['uptime', formatDuration(Date.now() - build.startedAt)],
      ...reloads(host),
      ['node', process.version],
      ['platform', `${process.platform} ${process.arch}`],
      ['process', process.pid],
      ['resident memory, MiB', Math.round(process.memoryUsage.rss() / 2 ** 20)],
    ],
  )
}

function reloads(host: Host): Row[] {
  const { lastReload } = host.describe()
  if (lastReload === undefined) return []
  const { at, outcome, problems } = lastReload
  const what = outcome === 'rejected' ? 'rejected: the config before it still runs' : outcome
  return [
    ['config read again', `${new Date(at).toISOString()}, ${what}`],
    ...problems.map((problem): Row => ['', problem]),
  ]
}

function pipelines(host: Host): string {
  const rows = host
    .describe()
    .pipelines.map(({ id, receivers, processors, exporters }) => [
      id,
      receivers.join(', '),
      processors.join(' → '),
      exporters.join(', '),
    ])
  return table(['pipeline', 'receivers', 'processors', 'exporters'], rows)
}

function extensions(host: Host): string {
  const rows = host.describe().extensions.map(id => [id, offersOf(host.extension(id)).join(', ')])
  return table(['extension', 'other components can use it for'], rows)
}

/** Where every item went, and how each component is. */
function ledger(host: Host): string {
  const { accounts, health } = host.describe()
  const rows = accounts.flatMap(account =>
    [...account.signals].map(([signal, page]) => {
      const dropped = [...page.dropped].map(([reason, { items }]) => `${reason} ${items}`).join(', ')
      const state = health.get(account.name)
      const well = state?.message === undefined ? (state?.state ?? '') : `${state.state}: ${state.message}`
      const { in: taken, out, created, held, refused } = page
      return [account.name, signal, taken, out, created, held, refused, dropped, well]
    }),
  )
  const head = ['component', 'signal', 'in', 'out', 'created', 'held', 'refused', 'dropped', 'health']
  return `<h2>Where every item went</h2>${table(head, rows)}`
}

function expvar(): Page {
  const body = JSON.stringify({
    cmdline: process.argv,
    memstats: process.memoryUsage(),
    uptime: process.uptime(),
  })
  return { type: 'application/json', body }
}
