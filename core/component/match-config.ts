/**
 * `include` and `exclude`: which items a processor means (contrib internal/filter/filterconfig 0.155). Which keys make
 * sense depends on the signal, which is known only once a pipeline uses the processor: `matchProblem` says.
 */

import {
  choice,
  flag,
  integer,
  list,
  optional,
  type Schema,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'
import { readKind } from '../formats/any-value.ts'
import { patternProblem } from '../formats/re2.ts'
import { AnyValue } from '../otlp/fields.ts'
import type { Signal } from '../otlp/signals.ts'
import { configValue } from './config-value.ts'

const texts = (doc: string) => list(text({ doc: 'One of them.' }), { doc })

const attribute = section(
  {
    key: text({ required: true, doc: 'Attribute key.' }),
    value: configValue({ doc: 'Its value; not written: any value. With regexp it must be a text.' }),
  },
  { doc: 'One attribute.' },
)

/** `version:` not written and `version: ""` differ: any version, and none. */
const version: Schema<string | undefined> = (() => {
  const inner = optional(text({ doc: 'Scope version; not written: any. "": only scopes without one.' }))
  return {
    ...inner,
    read: (node, path, check) =>
      node.kind === 'scalar' && node.value === null ? undefined : inner.read(node, path, check),
  }
})()

const fields = {
  match_type: choice(['strict', 'regexp', ''], {
    default: '',
    doc: 'strict compares texts, regexp takes them as RE2 patterns that match anywhere in the text.',
  }),
  regexp: optional(
    section(
      {
        cacheenabled: flag({ default: false, doc: 'Accepted: results are always remembered.' }),
        cachemaxnumentries: integer({ default: 0, min: 0, doc: 'How many results; 0 means 8192.' }),
      },
      { doc: 'What is remembered of earlier matches.' },
    ),
  ),
  services: texts('Any of these is the service.name of the resource.'),
  span_names: texts('Any of these is the span name.'),
  span_kinds: texts('Any of these is the span kind, such as SPAN_KIND_SERVER.'),
  log_bodies: texts('Any of these is the body as text.'),
  log_severity_texts: texts('Any of these is the severity text.'),
  log_severity_number: optional(
    section(
      {
        min: integer({ default: 0, min: 0, max: 24, doc: 'Least severity, 9 is INFO, 17 is ERROR.' }),
        match_undefined: flag({ default: false, doc: 'Records without a severity match too.' }),
      },
      { doc: 'Log records of at least this severity.' },
    ),
    { empty: 'off' },
  ),
  metric_names: texts('Any of these is the metric name.'),
  attributes: list(attribute, { doc: 'All of these attributes are there.' }),
  resources: list(attribute, { doc: 'All of these attributes are in the resource.' }),
  libraries: list(
    section(
      { name: text({ default: '', doc: 'Scope name.' }), version },
      { doc: 'One instrumentation scope.' },
    ),
    { doc: 'The instrumentation scope matches all of these.' },
  ),
}

const properties = section(fields, {
  doc: 'Every property that is written must match.',
  check: (value, report) => {
    const names = TEXT_KEYS.filter(key => value[key].length > 0)
    const named = [...names, ...LIST_KEYS.filter(key => needsType(value[key]))]
    if (value.match_type === '' && named.length > 0)
      report.error('match_type', `is missing, and ${named[0]} needs it`, 'write strict or regexp')
    if (value.match_type !== 'regexp') return
    for (const key of names) for (const one of value[key]) checkPattern(one, key)
    for (const key of ['attributes', 'resources'] as const) {
      for (const { key: name, value: wanted } of value[key]) {
        if (wanted === undefined) continue
        if (readKind(wanted.bytes, 0, wanted.bytes.length) === AnyValue.stringValue)
          checkPattern(String(wanted.plain), key)
        else report.error(key, `the value of ${name} is not a text`, 'quote it: regexp compares texts only')
      }
    }
    for (const { name, version } of value.libraries) {
      checkPattern(name, 'libraries')
      if (version !== undefined) checkPattern(version, 'libraries')
    }
    function checkPattern(pattern: string, key: keyof typeof fields): void {
      const problem = patternProblem(pattern)
      if (problem !== undefined) report.error(key, `"${pattern}" is not a pattern: ${problem}`)
    }
  },
})

const TEXT_KEYS = [
  'services',
  'span_names',
  'span_kinds',
  'log_bodies',
  'log_severity_texts',
  'metric_names',
] as const
const LIST_KEYS = ['attributes', 'resources', 'libraries'] as const

function needsType(list: readonly { readonly value?: unknown; readonly name?: string }[]): boolean {
  return list.some(one => one.name !== undefined || one.value !== undefined)
}

export type MatchConfig = ValueOf<typeof properties>
type MatchKey = keyof MatchConfig

/** The two keys, for a processor's section. */
export const matchFields = {
  include: optional(
    { ...properties, doc: 'Only these are changed. Not written: all of them.' },
    { empty: 'off' },
  ),
  exclude: optional({ ...properties, doc: 'These are not changed, even when included.' }, { empty: 'off' }),
}

const ALLOWED: Readonly<Record<Signal, readonly MatchKey[]>> = {
  traces: ['services', 'span_names', 'span_kinds', 'attributes', 'resources', 'libraries'],
  logs: ['log_bodies', 'log_severity_texts', 'log_severity_number', 'attributes', 'resources', 'libraries'],
  metrics: ['metric_names', 'resources'],
  profiles: [],
}

const SPAN_KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map(kind => `SPAN_KIND_${kind}`)

/** What is wrong with matching items of this signal by these properties, or undefined. */
export function matchProblem(config: MatchConfig, signal: Signal): string | undefined {
  const written = (Object.keys(fields) as MatchKey[]).filter(key => {
    if (key === 'match_type' || key === 'regexp') return false
    const value = config[key]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  })
  const allowed = ALLOWED[signal]
  const wrong = written.find(key => !allowed.includes(key))
  if (wrong !== undefined) return `${wrong} cannot be used for ${signal}; use ${allowed.join(', ')}`
  if (written.length === 0) return `is empty; write at least one of ${allowed.join(', ')}`
  if (config.match_type !== 'strict') return undefined
  const kind = config.span_kinds.find(one => !SPAN_KINDS.includes(one))
  return kind === undefined ? undefined : `"${kind}" is not a span kind; use ${SPAN_KINDS.join(', ')}`
}
