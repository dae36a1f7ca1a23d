/** bench/baseline.json: the ratios of one good run, with the rounds they came from and the machine. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { UsageError } from './args.ts'
import { type Ratio, ratiosOf } from './load/ratios.ts'
import type { LoadReport, Machine } from './load/report.ts'

export interface Baseline {
  readonly at: string
  readonly preset: string
  readonly machine: Machine
  readonly ratios: readonly Ratio[]
}

const file = fileURLToPath(new URL('baseline.json', import.meta.url))

export function baselineOf(report: LoadReport): Baseline {
  const { at, preset, machine } = report
  const ratios = ratiosOf(report).map(ratio => ({
    ...ratio,
    rounds: ratio.rounds.map(value => Number(value.toPrecision(4))),
  }))
  return { at, preset, machine, ratios }
}

/** Throws UsageError when there is none. */
export function readBaseline(path: string = file): Baseline {
  if (!existsSync(path))
    throw new UsageError(`there is no baseline ${path}; npm run bench -- --update-baseline writes one`)
  return JSON.parse(readFileSync(path, 'utf8')) as Baseline
}

/** One ratio a line, so that a diff shows which changed. */
export function baselineText({ ratios, ...head }: Baseline): string {
  const lines = ratios.map(ratio => `    ${JSON.stringify(ratio)}`)
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "ratios": [\n${lines.join(',\n')}\n  ]\n}\n`
}

export function writeBaseline(report: LoadReport): string {
  writeFileSync(file, baselineText(baselineOf(report)))
  return file
}

/** What differs between the two machines, in sentences: ratios travel, but not everywhere. */
export function machineDifferences(before: Machine, now: Machine): string[] {
  const words = ({ cpu, cores, pinned, node, peers, drivers }: Machine): Record<string, string> => ({
    ...{
      CPU: `${cores} x ${cpu}`,
      Node: node,
      'HTTP driver': drivers.http,
      'gRPC driver': drivers.grpc,
      pinning: pinned ? 'pinned' : 'not pinned',
    },
    ...peers,
  })
  const [was, is] = [words(before), words(now)]
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter(name => was[name] !== is[name])
    .map(name => `${name}: ${was[name] ?? 'not there'} in the baseline, ${is[name] ?? 'not there'} now`)
}
