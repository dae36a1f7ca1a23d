/** From what a discovery says of a target to what is scraped (Prometheus' scrape/target.go). */

import type { LabelSet } from '../../core/formats/prometheus/labels.ts'
import { relabel } from '../../core/formats/prometheus/relabel.ts'
import { formatPromDuration, parsePromDuration } from './config/words.ts'
import type { Job } from './job.ts'

export type Labels = ReadonlyMap<string, string>

/** Targets that share labels, as a discovery gives them. */
export interface TargetGroup {
  /** Where it is written, for messages. */
  readonly source: string
  readonly targets: readonly string[]
  readonly labels: Labels
}

export interface Target {
  /** All labels, those with two underscores in front too. */
  readonly labels: Labels
  /** What samples get. */
  readonly own: LabelSet
  /** Before any rule. */
  readonly discovered: LabelSet
  readonly job: string
  readonly instance: string
  readonly url: URL
  readonly interval: number
  readonly timeout: number
  /** Of labels and URL: equal targets are one. */
  readonly hash: bigint
}

/** What is wrong with one target of a group. */
export class BadTarget extends Error {}

/** Undefined: a rule drops it. Throws BadTarget. */
export function targetOf(address: string, group: TargetGroup, job: Job): Target | undefined {
  const labels = discoveredLabels(address, group, job)
  const discovered = sortedLabels(labels)
  if (!relabel(labels, job.rules)) return undefined
  checkAddress(labels.get('__address__') ?? '')
  const interval = timeOf(labels, '__scrape_interval__')
  const timeout = timeOf(labels, '__scrape_timeout__')
  if (timeout > interval) throw new BadTarget('its scrape timeout is longer than its interval')
  for (const name of [...labels.keys()]) if (name.startsWith('__meta_')) labels.delete(name)
  if (!labels.has('instance')) labels.set('instance', labels.get('__address__')!)
  const own = sortedLabels(labels).filter(([name]) => !name.startsWith('__'))
  // Rules may take all labels away.
  if (own.length === 0) return undefined
  const url = urlOf(labels, job)
  return {
    labels,
    own,
    discovered,
    job: labels.get('job') ?? '',
    instance: labels.get('instance')!,
    url,
    interval,
    timeout,
    hash: fnv64(`${JSON.stringify(sortedLabels(labels))}${url.href}`),
  }
}

function discoveredLabels(address: string, { labels: group }: TargetGroup, job: Job): Map<string, string> {
  const labels = new Map([...group].filter(([, value]) => value !== ''))
  if (address !== '') labels.set('__address__', address)
  const usual: [string, string][] = [
    ['job', job.name],
    ['__scrape_interval__', formatPromDuration(job.interval)],
    ['__scrape_timeout__', formatPromDuration(job.timeout)],
    ['__metrics_path__', job.path],
    ['__scheme__', job.scheme],
    ...[...job.params].map(([name, [value = '']]): [string, string] => [`__param_${name}`, value]),
  ]
  for (const [name, value] of usual) if (value !== '' && !labels.has(name)) labels.set(name, value)
  return labels
}

export function sortedLabels(labels: Iterable<readonly [string, string]>): LabelSet {
  return [...labels].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function checkAddress(address: string): void {
  if (address === '') throw new BadTarget('it has no address')
  if (address.includes('/')) throw new BadTarget(`"${address}" is not a host and port`)
}

function timeOf(labels: Labels, name: string): number {
  const written = labels.get(name) ?? ''
  const ms = parsePromDuration(written)
  if (ms === undefined || ms === 0) throw new BadTarget(`${name} "${written}" is not a length of time`)
  return ms
}

function urlOf(labels: Labels, { params }: Job): URL {
  const scheme = labels.get('__scheme__') ?? ''
  const address = labels.get('__address__')!
  const path = labels.get('__metrics_path__') ?? ''
  if (scheme !== 'http' && scheme !== 'https') throw new BadTarget(`"${scheme}" is neither http nor https`)
  const base = `${scheme}://${address}`
  if (!URL.canParse(base) || /[@?#\\\s]/.test(address))
    throw new BadTarget(`"${address}" is not a host and port`)
  const url = new URL(base)
  url.pathname = path
  for (const [name, values] of queryOf(labels, params)) {
    for (const value of values) url.searchParams.append(name, value)
  }
  return url
}

/** Sorted by name, as Go encodes them; a label stands in for the first value. */
function queryOf(labels: Labels, params: Job['params']): [string, readonly string[]][] {
  const query = new Map<string, readonly string[]>(params)
  for (const [label, value] of labels) {
    if (!label.startsWith('__param_')) continue
    const name = label.slice('__param_'.length)
    query.set(name, [value, ...(params.get(name) ?? []).slice(1)])
  }
  return [...query].sort(([a], [b]) => (a < b ? -1 : 1))
}

const FNV_PRIME = 0x100_0000_01b3n
const FNV_START = 0xcbf2_9ce4_8422_2325n

/** FNV-1a of 64 bits. */
export function fnv64(text: string): bigint {
  let hash = FNV_START
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME)
  return hash
}

/** When the target is due next: ms from `now`. Spreads targets over the interval, at places that a restart keeps. */
export function offsetOf({ hash, interval }: Target, seed: bigint, now: number): number {
  const place = Number((hash ^ seed) % BigInt(Math.round(interval * 1e6))) / 1e6
  const next = interval - (now % interval) + place
  return next > interval ? next - interval : next
}
