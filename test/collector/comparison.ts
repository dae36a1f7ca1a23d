/** Compares case by case what the two did, and holds the list of differences to what really occurs. */

import assert from 'node:assert/strict'
import { inspect, isDeepStrictEqual } from 'node:util'
import { DIFFERENCES, type Difference, type TableName } from './differences.ts'

/** What was seen in one case, by name: each is compared on its own, so that a difference says exactly where. */
export type Seen = Readonly<Record<string, unknown>>

export class Comparison {
  readonly #table: TableName
  readonly #listed: { readonly where: string; readonly pattern: RegExp; occurred: boolean }[]

  constructor(table: TableName, differences: readonly Difference[] = DIFFERENCES) {
    this.#table = table
    this.#listed = differences
      .flatMap(({ where }) => where)
      .filter(where => where.startsWith(`${table}: `))
      .map(where => ({ where, pattern: patternOf(where), occurred: false }))
  }

  /** Throws when the two differ where no difference is listed. */
  same(name: string, sluice: Seen, collector: Seen): void {
    const problems: string[] = []
    for (const aspect of new Set([...Object.keys(sluice), ...Object.keys(collector)])) {
      const [ours, theirs] = [sluice[aspect], collector[aspect]]
      if (isDeepStrictEqual(ours, theirs)) continue
      const where = `${this.#table}: ${name}: ${aspect}`
      const listed = this.#listed.filter(({ pattern }) => pattern.test(where))
      for (const one of listed) one.occurred = true
      if (listed.length === 0) problems.push(where, ...apart(ours, theirs).slice(0, 8))
    }
    assert.equal(problems.length, 0, problems.join('\n'))
  }

  /** After the last case: throws when a listed difference did not occur. */
  end(): void {
    const stale = this.#listed.filter(({ occurred }) => !occurred).map(({ where }) => where)
    assert.deepEqual(stale, [], 'these differences are gone: take them out of differences.ts and its page')
  }
}

function patternOf(where: string): RegExp {
  const parts = where.split('*').map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

/** Where two values differ, and how: one line a place. */
function apart(ours: unknown, theirs: unknown, path = ''): string[] {
  if (isDeepStrictEqual(ours, theirs)) return []
  const nested = (value: unknown): value is object => typeof value === 'object' && value !== null
  if (!nested(ours) || !nested(theirs) || Array.isArray(ours) !== Array.isArray(theirs))
    return [`${path || 'it'}: Sluice ${shown(ours)}, the Collector ${shown(theirs)}`]
  return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap(key =>
    apart(Reflect.get(ours, key), Reflect.get(theirs, key), `${path}/${key}`),
  )
}

function shown(value: unknown): string {
  return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY }).slice(0, 300)
}
