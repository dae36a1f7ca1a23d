/**
 * How a Prometheus name came about, step by step. Each step is what the translator itself gives with one rule more, so
 * that an explanation cannot say something else than what happens.
 */

import { labelName, metricName, type NamedAs, type NameRules } from './names.ts'

export interface Step {
  /** The name after it. */
  readonly name: string
  readonly why: string
}

export interface Explanation {
  /** Undefined: there is none, and the last step says why. */
  readonly name: string | undefined
  readonly steps: readonly Step[]
}

/** From `name` as the application has it; steps that change nothing say so only where somebody would expect a change. */
export function explainMetricName(
  name: string,
  unit: string,
  namedAs: NamedAs,
  rules: NameRules,
): Explanation {
  const made = metricName(name, unit, namedAs, rules)
  const steps: Step[] = []
  let before = name
  const step = (after: string | undefined, why: (from: string, to: string) => string): void => {
    if (after === undefined) return
    const reason = why(before, after)
    if (reason !== '') steps.push({ name: after, why: reason })
    before = after
  }
  const bare = { ...rules, namespace: '' }
  step(metricName(name, '', 'other', bare), (from, to) => charactersStep(from, to, rules))
  step(metricName(name, unit, 'other', bare), (from, to) => unitStep(unit, from, to, rules))
  step(metricName(name, unit, namedAs, bare), (from, to) => typeStep(namedAs, unit, from, to, rules))
  if (rules.namespace !== '') step(made, () => `namespace: "${rules.namespace}" stands in front`)
  if (made === undefined) steps.push({ name: '', why: 'nothing but underscores is left, which is no name' })
  return { name: made, steps }
}

function charactersStep(from: string, to: string, { utf8 }: NameRules): string {
  if (from === to) return utf8 && /[^a-zA-Z0-9_:]/.test(from) ? 'characters stay as they are, in quotes' : ''
  const parts: string[] = []
  if (/[^a-zA-Z0-9_:]/.test(from)) parts.push('characters other than letters, digits and : become _')
  if (/^[0-9]/.test(from)) parts.push('a digit does not stand at the beginning')
  return parts.join(', and ') || 'there is one _ between words, and none at the ends'
}

function unitStep(unit: string, from: string, to: string, { suffixes }: NameRules): string {
  if (unit === '') return ''
  const said = `unit "${unit}"`
  if (!suffixes) return `${said} is not appended: this strategy adds no suffixes`
  if (from !== to) return `${said} is appended`
  if (/^\{.*\}$/.test(unit)) return `${said} counts things, and is not said`
  if (unit === '1') return `${said} is no unit`
  return `${said} is part of the name already`
}

function typeStep(namedAs: NamedAs, unit: string, from: string, to: string, { suffixes }: NameRules): string {
  if (namedAs === 'counter') {
    if (!suffixes) return '_total is not appended: this strategy adds no suffixes'
    return from === to ? 'a counter ends in _total, as it does already' : 'a counter ends in _total'
  }
  if (namedAs === 'gauge' && unit === '1' && suffixes)
    return from === to
      ? 'a gauge of unit 1 ends in _ratio, as it does already'
      : 'a gauge of unit 1 ends in _ratio'
  return ''
}

/** The label of an attribute. */
export function explainLabelName(key: string, utf8: boolean): Explanation {
  const name = labelName(key, utf8)
  if (name === undefined)
    return {
      name,
      steps: [
        {
          name: '',
          why: 'no label: it is empty, only underscores, or begins with the two that Prometheus keeps',
        },
      ],
    }
  if (name === key) return { name, steps: [] }
  const parts: string[] = []
  if (/[^a-zA-Z0-9_]/.test(key)) parts.push('characters other than letters and digits become _')
  if (/^[0-9]/.test(key)) parts.push('key_ stands in front of a digit')
  return { name, steps: [{ name, why: parts.join(', and ') }] }
}
