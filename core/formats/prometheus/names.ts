/**
 * OTLP names as Prometheus names, exactly as the Collector 0.155 makes them: github.com/prometheus/otlptranslator
 * v1.0.0, with the label rule of the Collector (several underscores in a row stay).
 *
 * The four values of `translation_strategy` are two switches: are characters outside [a-zA-Z0-9_:] replaced, and are
 * unit and type appended.
 */

export const STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const
export type Strategy = (typeof STRATEGIES)[number]

export interface NameRules {
  /** Stands in front of every metric's name; '' for none. */
  readonly namespace: string
  /** Append unit, `_total` and `_ratio`. */
  readonly suffixes: boolean
  /** Leave characters as they are that only quoted names may have. */
  readonly utf8: boolean
}

export function rulesOf(strategy: Strategy, namespace = ''): NameRules {
  return {
    namespace,
    suffixes: strategy.endsWith('WithSuffixes'),
    utf8: strategy.startsWith('No'),
  }
}

/** What a name's suffix depends on; `other` is everything that is neither. */
export type NamedAs = 'counter' | 'gauge' | 'other'

const UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    d: 'days',
    h: 'hours',
    min: 'minutes',
    s: 'seconds',
    ms: 'milliseconds',
    us: 'microseconds',
    ns: 'nanoseconds',
    By: 'bytes',
    KiBy: 'kibibytes',
    MiBy: 'mebibytes',
    GiBy: 'gibibytes',
    TiBy: 'tibibytes',
    KBy: 'kilobytes',
    MBy: 'megabytes',
    GBy: 'gigabytes',
    TBy: 'terabytes',
    m: 'meters',
    V: 'volts',
    A: 'amperes',
    J: 'joules',
    W: 'watts',
    g: 'grams',
    Cel: 'celsius',
    Hz: 'hertz',
    '1': '',
    '%': 'percent',
  }),
)

/** After a slash a unit is singular, and `m` is a minute. */
const PER_UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries({ s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' }),
)

/** `By/s` -> `bytes`, `per_second`. Annotations such as `{request}` count as nothing. */
function unitSuffixes(unit: string): readonly [main: string, per: string] {
  const slash = unit.indexOf('/')
  const main = word(slash === -1 ? unit : unit.slice(0, slash), UNITS)
  const per = slash === -1 ? '' : word(unit.slice(slash + 1), PER_UNITS)
  return [main, per === '' ? '' : `per_${per}`]
}

function word(written: string, known: ReadonlyMap<string, string>): string {
  const unit = written.trim()
  return /[{}]/.test(unit) ? '' : (known.get(unit) ?? unit)
}

/**
 * The Prometheus name of a metric, or undefined where nothing but underscores would be left. `namedAs` is `counter` for
 * monotonic sums and `gauge` for gauges; other sums, histograms and summaries have no suffix of their type.
 */
export function metricName(
  name: string,
  unit: string,
  namedAs: NamedAs,
  rules: NameRules,
): string | undefined {
  if (rules.utf8) return utf8Name(name, unit, namedAs, rules) || undefined
  const made = rules.suffixes
    ? fullName(name, unit, namedAs, rules.namespace)
    : plainName(name, rules.namespace)
  // A name that is all underscores is let through when it came so.
  return made === '' || (made !== name && /^_*$/.test(made)) ? undefined : made
}

function fullName(name: string, unit: string, namedAs: NamedAs, namespace: string): string {
  const [main, per] = unitSuffixes(unit).map(cleanUnit) as [string, string]
  let tokens = withUnits(
    name.split(/[^a-zA-Z0-9:]+/).filter(token => token !== ''),
    main,
    per,
  )
  if (namedAs === 'counter') tokens = atTheEnd(tokens, 'total')
  // Gauges only: many counters of things are said to have the unit 1.
  if (namedAs === 'gauge' && unit === '1') tokens = atTheEnd(tokens, 'ratio')
  if (namespace !== '') tokens.unshift(namespace)
  const made = tokens.join('_')
  return /^[0-9]/.test(made) ? `_${made}` : made
}

function cleanUnit(unit: string): string {
  return unit.replaceAll(/[^a-zA-Z0-9:]+/g, '_').replace(/^_/, '')
}

/** A unit that is any part of the name already is not said again. */
function withUnits(tokens: string[], main: string, per: string): string[] {
  const second = per === 'per_' ? '' : per.replace(/_$/, '')
  let first = tokens.includes(main) ? '' : main
  if (second !== '') first = first.replace(/_$/, '')
  for (const suffix of [first, second]) if (suffix !== '') tokens.push(suffix)
  return tokens
}

function atTheEnd(tokens: readonly string[], last: string): string[] {
  return [...tokens.filter(token => token !== last), last]
}

function plainName(name: string, namespace: string): string {
  const joined = (text: string): string =>
    text
      .split(/[^a-zA-Z0-9:_]+/)
      .filter(part => part !== '')
      .join('_')
  const made = joined(name)
  if (namespace !== '') return `${joined(namespace)}_${made}`
  return /^[0-9]/.test(made) ? `_${made}` : made
}

function utf8Name(name: string, unit: string, namedAs: NamedAs, { namespace, suffixes }: NameRules): string {
  let made = namespace === '' ? name : `${namespace}_${name}`
  if (!suffixes) return made
  let ending = ''
  if (namedAs === 'gauge' && unit === '1') {
    made = withoutEnd(made, 'ratio')
    ending = '_ratio'
  } else if (namedAs === 'counter') {
    made = withoutEnd(made, 'total')
    ending = '_total'
  }
  const [main, per] = unitSuffixes(unit)
  if (per !== '') {
    made = withoutEnd(made, per)
    ending = `_${per}${ending}`
  }
  if (main !== '' && !made.endsWith(main)) made += `_${main}`
  return made + ending
}

/** Without the suffix and the letter in front of it, which is taken for what separates them. */
function withoutEnd(name: string, suffix: string): string {
  return name.endsWith(suffix) && name.length > suffix.length + 1 ? name.slice(0, -suffix.length - 1) : name
}

/**
 * The label of an attribute key, or undefined where none can be made: an empty key, nothing but underscores, or one
 * that begins with the two underscores that Prometheus keeps for itself.
 */
export function labelName(key: string, utf8: boolean): string | undefined {
  let made = key
  if (!utf8) {
    made = key.replaceAll(/[^a-zA-Z0-9]/gu, '_')
    if (/^[0-9]/.test(made)) made = `key_${made}`
  }
  return /^_*$/.test(made) || made.startsWith('__') ? undefined : made
}

/**
 * The same for series that are written instead of scraped, where the Collector has another rule: several characters in a
 * row that are replaced become one underscore, and a label that would begin with one begins with `key_`. Names between
 * double underscores are let through.
 */
export function writtenLabelName(key: string, utf8: boolean): string | undefined {
  if (utf8) return /^_*$/.test(key) ? undefined : key
  const reserved = key.length >= 4 && key.startsWith('__') && key.endsWith('__')
  const made = (reserved ? key.slice(2, -2) : key).replaceAll(/[^a-zA-Z0-9]+/gu, '_')
  if (reserved) return /^_*$/.test(made) ? undefined : `__${made}__`
  if (made === '') return undefined
  if (/^[0-9]/.test(made)) return `key_${made}`
  return made.startsWith('_') ? `key${made}` : made
}

/** A unit as metadata has it: in words, `bytes_per_second`. */
export function unitName(unit: string, utf8: boolean): string {
  const words = unitSuffixes(unit).map(one => (utf8 ? one : cleanUnit(one)))
  return words
    .filter(one => one !== '')
    .join('_')
    .replace(/^_/, '')
    .replace(/_$/, '')
}

/** The namespace in front of `target_info`: made as a label is; '' when there is none or none can be made. */
export function namespaceName(namespace: string, utf8: boolean): string {
  return labelName(namespace, utf8) ?? ''
}
