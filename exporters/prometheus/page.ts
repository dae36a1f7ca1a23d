/** The page, made of the store in one of its forms, in pieces so that a large one does not hold up the pipelines. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Wish } from '../../core/formats/prometheus/accept.ts'
import { type Escaping, escapeName, isLegacyName } from '../../core/formats/prometheus/escape.ts'
import type { Family, Row, Sample } from '../../core/formats/prometheus/family.ts'
import { readLabelsText } from '../../core/formats/prometheus/label-text.ts'
import { compareLabels, type LabelSet } from '../../core/formats/prometheus/labels.ts'
import { toMillis } from '../../core/formats/prometheus/numbers.ts'
import { ProtoPage } from '../../core/formats/prometheus/proto.ts'
import { labelsText, TextPage, TOTAL } from '../../core/formats/prometheus/text.ts'
import type { SeriesTable } from './series-table.ts'
import type { SeriesFamily, SeriesStore } from './store.ts'
import { sampleOf } from './values.ts'

export interface PageRules {
  readonly sendTimestamps: boolean
  /** In front of `target_info`; '' for none. */
  readonly namespace: string
}

/** Takes a page piece by piece, so that nobody needs to hold it whole. */
export interface PageSink {
  push(piece: Uint8Array): Promise<void> | undefined
}

/** Bytes that are handed on at once, and rows after which others may run. */
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

/** Gives how many rows were left out because their names became equal to others' by escaping. */
export async function makePage(
  store: SeriesStore,
  wish: Wish,
  rules: PageRules,
  sink: PageSink,
): Promise<number> {
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
      if (twice || !seen.isNew(row)) {
        hidden++
        continue
      }
      if (!begun) out.family(family, name.endsWith(TOTAL) && names.has(name.slice(0, -TOTAL.length)))
      begun = true
      const piece = out.row(family, row)
      if (piece !== undefined) await sink.push(piece)
      if (++rows % ROWS_AT_ONCE === 0) await nextTurn()
    }
    const piece = begun ? out.familyEnd() : undefined
    if (piece !== undefined) await sink.push(piece)
  }
  const rest = out.end()
  if (rest !== undefined) await sink.push(rest)
  return hidden
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
        yield withTargets(store, family, targets, sendTimestamps)
        continue
      }
    }
    yield ofStore(store, family, sendTimestamps)
  }
  if (!told) yield targetInfo(name, targets)
}

function ofStore(store: SeriesStore, family: SeriesFamily, sendTimestamps: boolean): Shown {
  const { table } = store
  return {
    name: family.name,
    help: family.help,
    type: family.type,
    *rows() {
      for (const series of store.sorted(family)) {
        if (table.isLive(series) && table.hasState(series)) yield new SeriesRow(table, series, sendTimestamps)
      }
    },
  }
}

class SeriesRow implements ShownRow {
  readonly text: string | undefined
  readonly sample: Sample
  readonly created: bigint | undefined
  readonly millis: bigint | undefined
  readonly #whole: string

  constructor(table: SeriesTable, series: number, sendTimestamps: boolean) {
    this.#whole = table.text(series)
    this.text = table.isPlain(series) ? this.#whole : undefined
    this.sample = sampleOf(table.state(series)!)
    const started = table.startTime(series)
    this.created = started >= SECOND && table.family(series).type !== 'gauge' ? started : undefined
    this.millis = sendTimestamps ? toMillis(table.time(series)) : undefined
  }

  get labels(): LabelSet {
    return readLabelsText(this.#whole)
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
function withTargets(
  store: SeriesStore,
  family: SeriesFamily,
  targets: readonly LabelSet[],
  sendTimestamps: boolean,
): Shown {
  const own = ofStore(store, family, sendTimestamps)
  const rest = targets.filter(labels => !store.has(family, labelsText(labels, 'allow-utf-8')))
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

  isNew(row: ShownRow): boolean {
    if (this.#escaping === 'allow-utf-8' || row.text !== undefined) return true
    const { labels } = row
    if (labels.every(([name]) => isLegacyName(name))) return true
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

/** What it gives is a piece of the page that is ready. */
interface PageWriter {
  family(family: Family, bareTaken: boolean): void
  row(family: Family, row: ShownRow): Uint8Array | undefined
  familyEnd(): Uint8Array | undefined
  end(): Uint8Array | undefined
}

function textWriter({ format, escaping }: Wish): PageWriter {
  const page = new TextPage(format !== 'text', escaping)
  return {
    family: (family, bareTaken) => page.family(family, bareTaken),
    row(family, row) {
      page.row(family, row, row.text ?? labelsText(row.labels, escaping))
      return page.length > PIECE ? Buffer.from(page.take()) : undefined
    },
    familyEnd: () => undefined,
    end() {
      page.end()
      return Buffer.from(page.take())
    },
  }
}

/** A family stands behind its length, so it is a piece. */
function protoWriter(escaping: Escaping): PageWriter {
  const page = new ProtoPage(escaping)
  return {
    family: family => page.family(family),
    row(family, row) {
      page.row(family, row)
      return undefined
    },
    familyEnd: () => page.end(),
    end: () => undefined,
  }
}
