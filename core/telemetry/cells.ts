/** Where our own metrics' values stand: one cell for each label set of each metric. */

import type { Labels, MetricDeclaration } from './instruments.ts'

export const NO_LABELS: Labels = Object.freeze({})

export interface NumberPoint {
  readonly labels: Labels
  readonly value: number
}

export interface HistogramPoint {
  readonly labels: Labels
  readonly bounds: readonly number[]
  /** One more than `bounds`: the last is what lies above all of them. Not cumulative. */
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
}

export type Point = NumberPoint | HistogramPoint

/** As the OpenTelemetry SDKs: label sets beyond this share one overflow cell, so memory is bounded. */
const CELLS_MAX = 2000
const OVERFLOW = 'otel_metric_overflow'

export class NumberCell {
  readonly labels: Labels
  value = 0

  constructor(labels: Labels) {
    this.labels = labels
  }

  add(value: number): void {
    this.value += value
  }

  set(value: number): void {
    this.value = value
  }
}

export class HistogramCell {
  readonly labels: Labels
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  record(value: number): void {
    const bounds = this.#bounds
    let i = 0
    while (i < bounds.length && value > bounds[i]!) i++
    this.#counts[i]!++
    this.#sum += value
    this.#count++
  }

  point(): HistogramPoint {
    return {
      labels: this.labels,
      bounds: this.#bounds,
      counts: [...this.#counts],
      sum: this.#sum,
      count: this.#count,
    }
  }
}

type Reader = () => Iterable<readonly [Labels, number]>

/** One metric with all its cells and readers. */
export class Family {
  readonly declaration: MetricDeclaration
  readonly #numbers = new Map<string, NumberCell>()
  readonly #distributions = new Map<string, HistogramCell>()
  readonly #readers = new Set<Reader>()

  constructor(declaration: MetricDeclaration) {
    this.declaration = declaration
  }

  number(labels: Labels): NumberCell {
    return this.#cell(this.#numbers, labels, one => new NumberCell(one))
  }

  distribution(labels: Labels): HistogramCell {
    const bounds = this.declaration.buckets ?? []
    return this.#cell(this.#distributions, labels, one => new HistogramCell(one, bounds))
  }

  observe(read: Reader): () => void {
    this.#readers.add(read)
    return () => this.#readers.delete(read)
  }

  points(): Point[] {
    const points: Point[] = []
    for (const cell of this.#numbers.values()) points.push({ labels: cell.labels, value: cell.value })
    for (const cell of this.#distributions.values()) points.push(cell.point())
    points.push(...this.#observed())
    return points
  }

  /** Equal labels are summed: a component in three pipelines is three instances with one name. */
  #observed(): NumberPoint[] {
    const sums = new Map<string, { readonly labels: Labels; value: number }>()
    for (const read of this.#readers) {
      try {
        for (const [labels, value] of read()) {
          const declared = this.#declared(labels)
          const key = JSON.stringify(declared)
          const sum = sums.get(key)
          if (sum === undefined) sums.set(key, { labels: declared, value })
          else sum.value += value
        }
      } catch {
        // One reader that throws must not take the whole page away; its line is missing.
      }
    }
    return [...sums.values()]
  }

  #declared(labels: Labels): Labels {
    const kept: Record<string, string> = {}
    for (const name of this.declaration.labels) if (labels[name] !== undefined) kept[name] = labels[name]
    return kept
  }

  #cell<C>(cells: Map<string, C>, labels: Labels, make: (labels: Labels) => C): C {
    let key = ''
    for (const name of this.declaration.labels) key += `${labels[name] ?? ''}\u0000`
    const known = cells.get(key)
    if (known !== undefined) return known
    if (cells.size < CELLS_MAX) return keep(cells, key, make(this.#declared(labels)))
    return cells.get(OVERFLOW) ?? keep(cells, OVERFLOW, make({ [OVERFLOW]: 'true' }))
  }
}

function keep<C>(cells: Map<string, C>, key: string, cell: C): C {
  cells.set(key, cell)
  return cell
}
