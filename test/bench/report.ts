/** A report with figures that are known: for what is made from one. */

import { DOORS, ENCODINGS } from '../../bench/load/cases.ts'
import type { CellResult, LoadReport } from '../../bench/load/report.ts'

/** Microseconds a request and a span. */
const COST: Readonly<Record<string, readonly [request: number, span: number]>> = {
  sluice: [100, 1],
  otelcol: [50, 5],
  rotel: [40, 2.5],
  'bare fastify': [80, 0.9],
  'bare node:http2': [70, 0.8],
}

function cells(spans: readonly number[]): CellResult[] {
  const made: CellResult[] = []
  for (const encoding of ENCODINGS) {
    for (const door of DOORS) {
      for (const size of spans) {
        for (const [target, [request, span]] of Object.entries(COST)) {
          if (target === 'bare fastify' && door !== 'http') continue
          if (target === 'bare node:http2' && door !== 'grpc') continue
          const us = request + span * size
          const rounds = {
            cpuUs: [us * 0.9, us, us * 1.2],
            p50Ms: [1, 1, 1],
            p99Ms: [2, 2, 2],
            kept: [null, null, null],
          }
          made.push({
            case: 'nop',
            door,
            spans: size,
            encoding,
            target,
            bytes: size * 530,
            requests: 100,
            ...rounds,
          })
        }
      }
    }
  }
  return made
}

export function knownReport(): LoadReport {
  const paced = { case: 'paced' as const, door: 'http' as const, rate: 20_000, spans: 100 }
  const memory = { case: 'memory' as const, door: 'grpc' as const }
  const nop = cells([1, 10, 100, 512, 2000])
  const edit = nop
    .filter(({ spans, encoding, target }) => spans === 512 && encoding === 'plain' && target !== 'rotel')
    .map(cell => ({ ...cell, case: 'edit' as const, kept: [0.1, 0.1, 0.1] }))
  return {
    at: '2026-11-26T12:00:00.000Z',
    preset: 'full',
    machine: {
      ...{
        cpu: 'AMD EPYC',
        cores: 2,
        pinned: true,
        loadAverage: 0.1,
        node: 'v26.10.0',
        drivers: { http: 'h2load', grpc: 'h2load' },
      },
      peers: { otelcol: '0.155.0', rotel: '0.0.1-alpha10' },
    },
    rounds: 3,
    cells: [...nop, ...edit],
    paced: [
      {
        ...paced,
        target: 'sluice',
        cpuPercent: [5, 6, 7],
        p50Ms: [1, 1, 1],
        p99Ms: [2, 3, 4],
        lateMs: [0.1, 0.1, 0.1],
      },
      {
        ...paced,
        target: 'otelcol',
        cpuPercent: [15, 18, 21],
        p50Ms: [1, 1, 1],
        p99Ms: [4, 6, 8],
        lateMs: [0.1, 0.1, 0.1],
      },
    ],
    memory: [
      {
        ...memory,
        target: 'sluice',
        startMib: [80, 81, 82],
        peakMib: [150, 160, 170],
        endMib: [140, 141, 142],
      },
      {
        ...memory,
        target: 'otelcol',
        startMib: [70, 71, 72],
        peakMib: [300, 320, 340],
        endMib: [200, 201, 202],
      },
    ],
    problems: [],
  }
}
