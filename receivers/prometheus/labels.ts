/** From the labels on a page to those of a series (Prometheus' scrape.go: mutateSampleLabels and its limits). */

import type { Label, LabelSet } from '../../core/formats/prometheus/labels.ts'
import { NAME } from '../../core/formats/prometheus/parse/page.ts'
import { isLabelName, relabel } from '../../core/formats/prometheus/relabel.ts'
import { Series } from '../../core/formats/prometheus/scraped/series.ts'
import type { Job, LabelLimits } from './job.ts'
import { sortedLabels, type Target } from './target.ts'

const EXPORTED = 'exported_'
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SHOWN_MAX = 50

/** Why a page cannot be taken because of the labels of one of its samples. */
export class LabelProblem extends Error {
  readonly reason: 'bad_page' | 'label_limit'

  constructor(reason: 'bad_page' | 'label_limit', message: string) {
    super(message)
    this.reason = reason
  }
}

/** Sorted. Undefined: a rule drops the sample. Throws LabelProblem. */
export function finalLabels(written: readonly Label[], target: Target, job: Job): LabelSet | undefined {
  const exposed = new Map<string, string>()
  for (const [name, value] of written) {
    // What stands there twice, empty or not, is no series.
    if (exposed.has(name))
      throw new LabelProblem('bad_page', `a sample has the label "${name}" twice: ${shown(written)}`)
    exposed.set(name, value)
  }
  const labels = withTarget(exposed, target.own, job.honorLabels)
  if (!relabel(labels, job.metricRules)) return undefined
  // Rules may take everything away, which drops it too.
  if (labels.size === 0) return undefined
  checkNames(labels, job.utf8)
  checkLimits(labels, job.labelLimits)
  for (const [name, value] of job.externalLabels) {
    if (value === '') labels.delete(name)
    else labels.set(name, value)
  }
  return sortedLabels(labels)
}

/** Labels that the page and the target both have: those of the page are kept under another name, or win. */
function withTarget(exposed: Map<string, string>, own: LabelSet, honor: boolean): Map<string, string> {
  const labels = new Map([...exposed].filter(([, value]) => value !== ''))
  const conflicts: Label[] = []
  for (const [name, value] of own) {
    const before = exposed.get(name)
    // Honored, an empty label on the page says that there is to be none.
    if (honor && before !== undefined) continue
    if (before !== undefined && before !== '') conflicts.push([name, before])
    labels.set(name, value)
  }
  for (const [name, value] of conflicts.sort(([a], [b]) => a.length - b.length)) {
    let renamed = EXPORTED + name
    while (labels.has(renamed)) renamed = EXPORTED + renamed
    labels.set(renamed, value)
  }
  return labels
}

function checkNames(labels: ReadonlyMap<string, string>, utf8: boolean): void {
  const name = labels.get(NAME) ?? ''
  if (name === '') throw new LabelProblem('bad_page', `a sample has no name: ${shown([...labels])}`)
  if (!utf8 && !LEGACY_METRIC.test(name))
    throw new LabelProblem('bad_page', `"${cut(name)}" is not the name of a metric`)
  for (const label of labels.keys())
    if (!isLabelName(label, utf8))
      throw new LabelProblem('bad_page', `"${cut(label)}" is not the name of a label of "${cut(name)}"`)
}

function checkLimits(
  labels: ReadonlyMap<string, string>,
  { count, nameBytes, valueBytes }: LabelLimits,
): void {
  const fail = (what: string, size: number, limit: number): never => {
    const metric = cut(labels.get(NAME) ?? '')
    throw new LabelProblem(
      'label_limit',
      `${what} of "${metric}" is exceeded: ${size}, the limit is ${limit}`,
    )
  }
  if (count > 0 && labels.size > count) fail('label_limit', labels.size, count)
  if (nameBytes === 0 && valueBytes === 0) return
  for (const [name, value] of labels) {
    const [nameSize, valueSize] = [Buffer.byteLength(name), Buffer.byteLength(value)]
    if (nameBytes > 0 && nameSize > nameBytes) fail('label_name_length_limit', nameSize, nameBytes)
    if (valueBytes > 0 && valueSize > valueBytes) fail('label_value_length_limit', valueSize, valueBytes)
  }
}

function cut(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text
}

function shown(labels: readonly Label[]): string {
  return cut(labels.map(([name, value]) => `${name}="${value}"`).join(','))
}

/**
 * The labels of `up` and its like: those of the target. As in Prometheus they lose `exported_zone` where there is a
 * `zone`, in the order of their names.
 */
export function reportSeries(name: string, target: Target, job: Job): Series {
  const labels = new Map<string, string>([[NAME, name]])
  for (const [label, value] of target.own) {
    labels.delete(EXPORTED + label)
    labels.set(label, value)
  }
  for (const [label, value] of job.externalLabels) labels.set(label, value)
  return Series.of(sortedLabels(labels), target)
}
