/** The load report on the terminal. */

import { measured, type Spread, spreadOf } from '../stats.ts'
import { figure, table } from '../table.ts'
import { ratiosOf } from './ratios.ts'
import { type LoadReport, placeOf, type Rounds } from './report.ts'

const range = ({ low, high }: Spread, show = figure): string => `${show(low)}-${show(high)}`
const two = (value: number): string => value.toFixed(2)
const middle = (rounds: Rounds, show = figure): string => show(spreadOf(measured(rounds)).median)
const withRange = (rounds: Rounds): string[] => {
  const spread = spreadOf(measured(rounds))
  return [figure(spread.median), range(spread)]
}

/** Above it the driver's lateness hides what the servers do. */
const LATE_MS = 2

export function print(report: LoadReport): void {
  const { cells, paced, memory, problems } = report
  const places = [...new Set(cells.map(placeOf))]
  if (cells.length > 0) {
    const rows = places.flatMap(place =>
      cells
        .filter(cell => placeOf(cell) === place)
        .map(({ target, bytes, spans, cpuUs, p50Ms, p99Ms, kept }) => {
          const cpu = spreadOf(measured(cpuUs))
          const perSecond = (spans * 1e6) / cpu.median
          const share = measured(kept)
          return [
            `${place}  ${target}`,
            ...[figure(bytes), ...withRange(cpuUs), figure(Math.round(perSecond / 1000))],
            ...[middle(p50Ms), middle(p99Ms), share.length > 0 ? `${(share[0]! * 100).toFixed(0)} %` : ''],
          ]
        }),
    )
    const head = ['', 'bytes', 'CPU us', 'rounds', 'k spans/CPU-s', 'p50 ms', 'p99 ms', 'kept']
    console.log(`\nCPU time of the server for one request\n${table(head, rows)}`)
  }
  if (paced.length > 0) {
    const rows = paced.map(result => [
      `${placeOf(result)}  ${result.target}`,
      ...[...withRange(result.cpuPercent), middle(result.p50Ms), ...withRange(result.p99Ms)],
      middle(result.lateMs),
    ])
    const head = ['', 'CPU %', 'rounds', 'p50 ms', 'p99 ms', 'rounds', 'driver late p99']
    console.log(`\nAt a fixed pace, latency from when a request was due\n${table(head, rows)}`)
    if (paced.some(({ lateMs }) => spreadOf(measured(lateMs)).median > LATE_MS))
      console.log("The driver itself was late, as on a busy machine: these latencies are not the servers'.")
  }
  if (memory.length > 0) {
    const rows = memory.map(result => [
      `${placeOf(result)}  ${result.target}`,
      ...[middle(result.startMib), ...withRange(result.peakMib), middle(result.endMib)],
    ])
    console.log(
      `\nRSS in MiB, the same load for each\n${table(['', 'start', 'peak', 'rounds', 'end'], rows)}`,
    )
  }
  const ratios = ratiosOf(report)
  if (ratios.length > 0) {
    const rows = ratios.map(({ place, name, better, rounds }) => {
      const spread = spreadOf(rounds)
      return [`${place}  ${name}`, two(spread.median), range(spread, two), `${better} is better`]
    })
    console.log(`\nRatios, round by round\n${table(['', 'median', 'rounds', ''], rows)}`)
  }
  console.log('')
  for (const problem of problems) console.log(`PROBLEM: ${problem}`)
  if (problems.length === 0) console.log('Every request succeeded and every span arrived.')
}
