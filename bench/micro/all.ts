/** The list of micro benchmarks. A new file exports `cases` and gets a line here. */

import { cpus } from 'node:os'
import { figure, table } from '../table.ts'
import { cases as chain } from './chain.ts'
import { cases as edit } from './edit.ts'
import { cases as formats } from './formats.ts'
import { DETACHED_STATE, FULL, measure, QUICK, type Result, sinkValue } from './harness.ts'
import { cases as jaegerEs } from './jaeger-es.ts'
import { cases as otlp } from './otlp.ts'
import { cases as spanmetrics } from './spanmetrics.ts'
import { cases as transport } from './transport.ts'

const GROUPS = { otlp, edit, chain, transport, formats, spanmetrics, 'jaeger es': jaegerEs } as const

export interface MicroReport {
  readonly node: string
  readonly cpu: string
  readonly arrayBuffers: string
  readonly sink: number
  readonly results: readonly (Result & { readonly group: string })[]
}

export async function micro(quick: boolean): Promise<MicroReport> {
  const results: (Result & { group: string })[] = []
  console.log(`micro: Node ${process.version}, ArrayBuffers ${DETACHED_STATE}\n`)
  for (const [group, cases] of Object.entries(GROUPS)) {
    const rows: string[][] = []
    for (const one of cases) {
      const result = await measure(one, quick ? QUICK : FULL)
      results.push({ ...result, group })
      const { name, min, median, mean, spread, perItem } = result
      rows.push([name, ...[min, median, mean].map(figure), `${figure(spread)} %`, figure(perItem)])
    }
    console.log(table([group, 'min us', 'median us', 'mean us', 'spread', 'ns/item'], rows), '\n')
  }
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? '',
    arrayBuffers: DETACHED_STATE,
    sink: sinkValue(),
    results,
  }
}
