/** Metrics of several processes as those of one: equal names and labels become one value. */

import type { HistogramPoint, Point } from './cells.ts'
import type { MetricDeclaration } from './instruments.ts'
import type { MetricSnapshot } from './metrics.ts'

/** Sums, or maxima where the declaration says so. A histogram whose bounds differ from the first one's is left out. */
export function mergeSnapshots(all: readonly (readonly MetricSnapshot[])[]): MetricSnapshot[] {
  const families = new Map<string, { declaration: MetricDeclaration; points: Map<string, Point> }>()
  for (const { declaration, points } of all.flat()) {
    let family = families.get(declaration.name)
    if (family === undefined) {
      family = { declaration, points: new Map() }
      families.set(declaration.name, family)
    }
    for (const point of points) {
      const key = JSON.stringify(point.labels)
      const known = family.points.get(key)
      family.points.set(key, known === undefined ? point : joined(known, point, declaration.merge))
    }
  }
  return [...families.values()].map(({ declaration, points }) => ({
    declaration,
    points: [...points.values()],
  }))
}

function joined(a: Point, b: Point, merge: MetricDeclaration['merge'] = 'sum'): Point {
  if ('value' in a) {
    if (!('value' in b)) return a
    return { labels: a.labels, value: merge === 'max' ? Math.max(a.value, b.value) : a.value + b.value }
  }
  return 'value' in b ? a : joinedHistogram(a, b)
}

function joinedHistogram(a: HistogramPoint, b: HistogramPoint): HistogramPoint {
  if (a.bounds.join() !== b.bounds.join()) return a
  return {
    ...a,
    counts: a.counts.map((count, i) => count + b.counts[i]!),
    sum: a.sum + b.sum,
    count: a.count + b.count,
  }
}
