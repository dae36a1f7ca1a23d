/**
 * `attributes`: changes the attributes of spans, log records and data points, of all or of those that `include` and
 * `exclude` mean (contrib attributesprocessor 0.155). Works on the bytes; a batch that nothing changed passes as it is.
 */

import { list, section, type ValueOf } from '../config/schema.ts'
import { actionSection } from '../core/component/action-config.ts'
import { type Actions, compileActions } from '../core/component/actions.ts'
import type { ProcessorFactory } from '../core/component/contract.ts'
import { type Selection, selectionOf } from '../core/component/match.ts'
import { matchFields, matchProblem } from '../core/component/match-config.ts'
import { type Meta, NO_META } from '../core/component/meta.ts'
import { rewriteBatch, transforming } from '../core/component/transform.ts'
import { AttributeTable } from '../core/otlp/attributes.ts'
import {
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  LogRecord,
  Metric,
  NumberDataPoint,
  Span,
  SummaryDataPoint,
} from '../core/otlp/fields.ts'
import { KeySet } from '../core/otlp/keys.ts'
import type { Patch } from '../core/otlp/patch.ts'
import { CHANGE, type Editor, KEEP, Rewriter, type Verdict } from '../core/otlp/rewrite.ts'
import type { Signal } from '../core/otlp/signals.ts'

const config = section(
  {
    actions: list(actionSection, { doc: 'What is done, in order.' }),
    ...matchFields,
  },
  {
    doc: 'Changes attributes of spans, log records and data points.',
    check: ({ actions }, report) => {
      if (actions.length === 0) report.error('actions', 'is empty', 'write at least one action')
    },
  },
)

/** Which field holds the attributes, by the `kind` that an editor is given: the field of Metric, or 0. */
function attributeFields(signal: Signal): number[] {
  const fields: number[] = [signal === 'logs' ? LogRecord.attributes : Span.attributes]
  fields[Metric.gauge] = NumberDataPoint.attributes
  fields[Metric.sum] = NumberDataPoint.attributes
  fields[Metric.histogram] = HistogramDataPoint.attributes
  fields[Metric.exponentialHistogram] = ExponentialHistogramDataPoint.attributes
  fields[Metric.summary] = SummaryDataPoint.attributes
  return fields
}

class ItemEditor implements Editor {
  meta: Meta
  readonly #fields: readonly number[]
  readonly #table: AttributeTable
  readonly #actions: Actions
  readonly #selection: Selection | undefined
  /** The levels above items are asked about only where something is selected by them. */
  readonly resource?: (bytes: Uint8Array, start: number, stop: number) => Verdict
  readonly scope?: (bytes: Uint8Array, start: number, stop: number) => Verdict
  readonly metric?: (bytes: Uint8Array, start: number, stop: number) => Verdict

  constructor(signal: Signal, table: AttributeTable, actions: Actions, selection: Selection | undefined) {
    this.meta = NO_META
    this.#fields = attributeFields(signal)
    this.#table = table
    this.#actions = actions
    this.#selection = selection
    if (selection === undefined) return
    this.resource = (bytes, start, stop) => {
      selection.resource(bytes, start, stop)
      return KEEP
    }
    this.scope = (bytes, start, stop) => {
      selection.scope(bytes, start, stop)
      return KEEP
    }
    this.metric = (bytes, start, stop) => {
      selection.metric(bytes, start, stop)
      return KEEP
    }
  }

  item(bytes: Uint8Array, start: number, stop: number, kind: number): Verdict {
    const selection = this.#selection
    if (selection !== undefined && !selection.mayHave(bytes, start, stop)) return KEEP
    const table = this.#table
    table.read(bytes, start, stop, this.#fields[kind]!)
    if (selection !== undefined && !selection.has(bytes, start, stop, table)) return KEEP
    this.#actions.run(table, this.meta)
    return table.changed ? CHANGE : KEEP
  }

  write(patch: Patch): void {
    this.#table.write(patch)
  }
}

export const factory: ProcessorFactory<ValueOf<typeof config>> = {
  kind: 'processor',
  type: 'attributes',
  doc: 'Changes attributes of spans, log records and data points.',
  stability: 'beta',
  signals: ['traces', 'metrics', 'logs'],
  config,
  misfit({ include, exclude }, signal) {
    for (const [name, match] of Object.entries({ include, exclude })) {
      const problem = match && matchProblem(match, signal)
      if (problem !== undefined) return `${name}: ${problem}`
    }
    return undefined
  },
  create({ actions, include, exclude }, settings, next) {
    const signal = settings.signal!
    const keys = new KeySet()
    const compiled = compileActions(actions, keys)
    const selection = selectionOf(include, exclude, signal, keys)
    const table = new AttributeTable(keys, { all: compiled.all })
    const editor = new ItemEditor(signal, table, compiled, selection)
    const rewriter = new Rewriter(signal, editor)
    const warnings = signal !== 'metrics' ? [] : ignoredForMetrics(include, exclude)
    return transforming(
      next,
      settings,
      batch => {
        editor.meta = batch.meta
        return rewriteBatch(batch, rewriter)
      },
      {
        start: () => {
          for (const text of warnings) settings.log.warn(text)
        },
      },
    )
  },
}

type Match = ValueOf<typeof config>['include']

/** The Collector takes `resources` for metrics and does not look at them; silence would be worse than a line. */
function ignoredForMetrics(include: Match, exclude: Match): string[] {
  return Object.entries({ include, exclude })
    .filter(([, match]) => (match?.resources.length ?? 0) > 0)
    .map(
      ([name]) => `${name}: resources has no effect on metrics, as in the Collector; match by metric_names`,
    )
}
