/** The page, made of the store in one of its forms, in pieces so that a large one does not hold up the pipelines. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Wish } from '../../core/formats/prometheus/accept.ts'
import { type Escaping, escapeName, isLegacyName } from '../../core/formats/prometheus/escape.ts'
import type { Family, Row } from '../../core/formats/prometheus/family.ts'
import { compareLabels, type LabelSet } from '../../core/formats/prometheus/labels.ts'
import { toMillis } from '../../core/formats/prometheus/numbers.ts'
import { ProtoPage } from '../../core/formats/prometheus/proto.ts'
import { labelsText, TextPage, TOTAL } from '../../core/formats/prometheus/text.ts'
import type { Series, SeriesFamily, SeriesStore } from './store.ts'
import { sampleOf } from './values.ts'

export interface PageRules {
  readonly sendTimestamps: boolean
  /** In front of `target_info`; '' for none. */
  readonly namespace: string
}

export interface Made {
  readonly body: Uint8Array
  /** Rows left out because their names became equal to others' by escaping. */
  readonly hidden: number
}

/** Letters that are turned into bytes at once, and rows after which others may run. */
const PIECE = 64 * 1024
const ROWS_AT_ONCE = 2_000

const SECOND = 1_000_000_000n

interface ShownRow extends Row {
  /** The same for every reader; undefined where it depends on the escaping. */
  readonly text: string | undefined
}

/** A family on the page: one of the store, or `target_info`. */
interface Shown extends Family {
  rows(): Iterable<ShownRow>
}

export async function makePage(store: SeriesStore, wish: Wish, rules: PageRules): Promise<Made> {
  const out = wish.format === 'protobuf' ? protoWriter(wish.escaping) : textWriter(wish)
  const names = new Set<string>()
  let hidden = 0
  let rows = 0
  for (const family of shownFamilies(store, rules)) {
    // Two names that this reader cannot tell apart would be one family twice: a page that no parser takes.
    const name = escapeName(family.name, wish.escaping)
    const twice = names.has(name)
    names.add(name)
    const seen = new RowFilter(wish.escaping)
    let begun = false
    for (const row of family.rows()) {
      if (twice || !seen.isNew(row.labels)) {
        hidden++
        continue
      }
      if (!begun) out.family(family, name.endsWith(TOTAL) && names.has(name.slice(0, -TOTAL.length)))
      begun = true
      out.row(family, row)
      if (++rows % ROWS_AT_ONCE === 0) await nextTurn()
    }
    if (begun) out.familyEnd()
  }
  return { body: out.end(), hidden }
}

function* shownFamilies(store: SeriesStore, { namespace, sendTimestamps }: PageRules): Generator<Shown> {
  const families = store.families()
  const name = namespace === '' ? 'target_info' : `${namespace}_target_info`
  const targets = store
    .targets()
    .map(({ labels }) => labels)
    .sort(compareLabels)
  let told = targets.length === 0
  for (const family of families) {
    if (!told && family.name >= name) {
      told = true
      if (family.name > name) yield targetInfo(name, targets)
      else if (family.type === 'gauge') {
        yield withTargets(family, targets, sendTimestamps)
        continue
      }
    }
    yield ofStore(family, sendTimestamps)
  }
  if (!told) yield targetInfo(name, targets)
}

function ofStore(family: SeriesFamily, sendTimestamps: boolean): Shown {
  return {
    name: family.name,
    help: family.help,
    type: family.type,
    *rows() {
      for (const series of family.sorted()) {
        if (!series.removed && series.state !== undefined) yield rowOf(series, sendTimestamps)
      }
    },
  }
}

function rowOf(series: Series, sendTimestamps: boolean): ShownRow {
  const { labels, state, time, startTime } = series
  return {
    labels,
    text: series.plain ? series.key : undefined,
    sample: sampleOf(state!),
    created: startTime >= SECOND && series.family.type !== 'gauge' ? startTime : undefined,
    millis: sendTimestamps ? toMillis(time) : undefined,
  }
}

function targetInfo(name: string, targets: readonly LabelSet[]): Shown {
  return {
    name,
    help: 'Target metadata',
    type: 'gauge',
    *rows() {
      for (const labels of targets) {
        const sample = { kind: 'number', value: 1, exemplar: undefined } as const
        yield { labels, sample, created: undefined, millis: undefined, text: undefined }
      }
    },
  }
}

/** Somebody sends `target_info` as a metric: its rows come first, ours are added where they say something else. */
function withTargets(family: SeriesFamily, targets: readonly LabelSet[], sendTimestamps: boolean): Shown {
  const own = ofStore(family, sendTimestamps)
  const rest = targets.filter(labels => !family.byKey.has(labelsText(labels, 'allow-utf-8')))
  return {
    ...own,
    *rows() {
      yield* own.rows()
      yield* targetInfo(family.name, rest).rows()
    },
  }
}

/** Tells rows apart as the reader will see them. Where no name is changed, all rows of a store's family differ. */
class RowFilter {
  readonly #escaping: Escaping
  readonly #seen = new Set<string>()

  constructor(escaping: Escaping) {
    this.#escaping = escaping
  }

  isNew(labels: LabelSet): boolean {
    if (this.#escaping === 'allow-utf-8' || labels.every(([name]) => isLegacyName(name))) return true
    const escaped = labels
      .map(([name, value]) => [escapeName(name, this.#escaping), value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    if (escaped.some(([name], i) => name === escaped[i + 1]?.[0])) return false
    const key = labelsText(escaped, 'allow-utf-8')
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }
}

interface PageWriter {
  family(family: Family, bareTaken: boolean): void
  row(family: Family, row: ShownRow): void
  familyEnd(): void
  end(): Uint8Array
}

function textWriter({ format, escaping }: Wish): PageWriter {
  const page = new TextPage(format !== 'text', escaping)
  const pieces: Buffer[] = []
  const flush = (): void => void pieces.push(Buffer.from(page.take()))
  return {
    family: (family, bareTaken) => page.family(family, bareTaken),
    row(family, row) {
      page.row(family, row, row.text ?? labelsText(row.labels, escaping))
      if (page.length > PIECE) flush()
    },
    familyEnd() {},
    end() {
      page.end()
      flush()
      return Buffer.concat(pieces)
    },
  }
}

function protoWriter(escaping: Escaping): PageWriter {
  const page = new ProtoPage(escaping)
  const pieces: Uint8Array[] = []
  return {
    family: family => page.family(family),
    row: (family, row) => page.row(family, row),
    familyEnd: () => void pieces.push(page.end()),
    end: () => Buffer.concat(pieces),
  }
}
