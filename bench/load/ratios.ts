/**
 * What is compared: ratios between servers that took turns in the same round. Microseconds are true for one machine
 * and one minute; ratios travel.
 */

import { roundRatios } from '../stats.ts'
import { type AnyResult, type LoadReport, placeOf, type Rounds } from './report.ts'
import { BARE, COLLECTOR, ROTEL, SLUICE } from './targets.ts'

export interface Ratio {
  /** `nop http plain 512`. */
  readonly place: string
  /** `otelcol / sluice CPU`. */
  readonly name: string
  readonly better: 'higher' | 'lower'
  /** One for each round in which both were measured. */
  readonly rounds: readonly number[]
}

/** The figure that counts in each case. */
function figureOf(result: AnyResult): readonly [name: string, rounds: Rounds] {
  if (result.case === 'memory') return ['peak RSS', result.peakMib]
  if (result.case === 'paced') return ['CPU', result.cpuPercent]
  return ['CPU', result.cpuUs]
}

/** Peers above Sluice (more than 1: Sluice needs less), and Sluice above the bare sink of the same door. */
export function ratiosOf(report: Pick<LoadReport, 'cells' | 'paced' | 'memory'>): Ratio[] {
  const all: readonly AnyResult[] = [...report.cells, ...report.paced, ...report.memory]
  const found: Ratio[] = []
  for (const ours of all.filter(({ target }) => target === SLUICE)) {
    const place = placeOf(ours)
    const [figure, rounds] = figureOf(ours)
    for (const other of all.filter(one => one !== ours && placeOf(one) === place)) {
      const theirs = figureOf(other)[1]
      const peer = other.target === COLLECTOR || other.target === ROTEL
      if (!peer && other.target !== BARE[other.door]) continue
      const ratio: Ratio = peer
        ? {
            place,
            name: `${other.target} / sluice ${figure}`,
            better: 'higher',
            rounds: roundRatios(theirs, rounds),
          }
        : { place, name: `sluice / bare ${figure}`, better: 'lower', rounds: roundRatios(rounds, theirs) }
      if (ratio.rounds.length > 0) found.push(ratio)
    }
  }
  return found
}
