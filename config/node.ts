/**
 * A config after reading, expanding and merging, before anybody asked what it means: plain values that remember where
 * they were written. `load.ts` makes these, `schema.ts` reads them.
 */

export interface Position {
  /** As given on the command line: `sluice.yaml`, `yaml:...`, `--set`. */
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

export type Scalar = string | number | bigint | boolean | null

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly value: Scalar
  /**
   * The characters this value was read from. A text setting takes these when the value came from the environment, so
   * that a password 0123 stays a text (`fromExpansion`).
   */
  readonly text: string
  readonly fromExpansion: boolean
  readonly at: Position
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, { readonly keyAt: Position; readonly node: Node }>
  readonly at: Position
  /** The characters it was read from, when it is the value of an expansion: a password `{a}` stays a text. */
  readonly text?: string
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly Node[]
  readonly at: Position
  /** As in MapNode. */
  readonly text?: string
}

export type Node = ScalarNode | MapNode | ListNode

/** One mistake in a config: where, what, and what to do about it. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly at: Position
  /** `exporters::otlp_http::endpoint`, the Collector's way of writing a path; '' for the whole file. */
  readonly path: string
  readonly wrong: string
  /** '' when the message says it already. */
  readonly fix: string
}

/** `file:line:column: path: what is wrong; what to do`. */
export function formatProblem({ at, path, wrong, fix, severity }: Problem): string {
  const where = `${at.file}:${at.line}:${at.column}: `
  const what = path === '' ? wrong : `${path}: ${wrong}`
  return `${where}${severity === 'warning' ? 'warning: ' : ''}${what}${fix === '' ? '' : `; ${fix}`}`
}

/** A config names a component that stands elsewhere; whether it is there is known once everything has been read. */
export interface Reference {
  readonly at: Position
  readonly path: string
  /** As written. */
  readonly id: string
  /** What it is named for, in the words of whoever checks it. */
  readonly wants: string
}

/** Collects every problem of a config instead of stopping at the first. */
export class Check {
  readonly problems: Problem[] = []
  readonly references: Reference[] = []

  error(at: Position, path: string, wrong: string, fix = ''): void {
    this.problems.push({ severity: 'error', at, path, wrong, fix })
  }

  warn(at: Position, path: string, wrong: string, fix = ''): void {
    this.problems.push({ severity: 'warning', at, path, wrong, fix })
  }

  refer(at: Position, path: string, id: string, wants: string): void {
    this.references.push({ at, path, id, wants })
  }

  get failed(): boolean {
    return this.problems.some(problem => problem.severity === 'error')
  }
}

export function childPath(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}::${key}`
}
