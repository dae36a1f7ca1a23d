/** Which topics are read, as what. */

import { compile, type Pattern } from '../../core/formats/re2.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { SignalReading } from './config.ts'
import { type Decode, decoderOf } from './encodings.ts'

/** What the records of a topic are. */
export interface Reading {
  readonly signal: Signal
  readonly encoding: string
  readonly decode: Decode
}

interface Wanted extends Reading {
  readonly names: ReadonlySet<string>
  readonly patterns: readonly Pattern[]
  readonly excluded: readonly Pattern[]
}

export class Topics {
  readonly #wanted: readonly Wanted[]

  /** Throws an Error when two signals want the same topic. */
  constructor(readings: ReadonlyMap<Signal, SignalReading>) {
    const names = new Map<string, Signal>()
    this.#wanted = [...readings].map(([signal, { topics, excluded, encoding }]) => {
      for (const topic of topics) {
        const other = names.get(topic)
        if (other !== undefined)
          throw new Error(
            `${topic} is read as ${other} and as ${signal}: give each signal a topic of its own`,
          )
        names.set(topic, signal)
      }
      return {
        signal,
        encoding,
        decode: decoderOf(encoding, signal)!,
        names: new Set(topics.filter(topic => !topic.startsWith('^'))),
        patterns: topics.filter(topic => topic.startsWith('^')).map(compile),
        excluded: excluded.map(compile),
      }
    })
  }

  /** Topics with a name of their own. */
  get named(): readonly string[] {
    return this.#wanted.flatMap(({ names }) => [...names])
  }

  get patterns(): boolean {
    return this.#wanted.some(({ patterns }) => patterns.length > 0)
  }

  /** Undefined for a topic that nobody wants. A name wins over patterns, the first pattern over others. */
  reading(topic: string): Reading | undefined {
    return (
      this.#wanted.find(({ names }) => names.has(topic)) ??
      this.#wanted.find(
        ({ patterns, excluded }) =>
          patterns.some(one => one.test(topic)) && !excluded.some(one => one.test(topic)),
      )
    )
  }

  /** Those of `existing` that are wanted, sorted. */
  of(existing: readonly string[]): readonly string[] {
    return existing.filter(topic => this.reading(topic) !== undefined).sort()
  }
}
