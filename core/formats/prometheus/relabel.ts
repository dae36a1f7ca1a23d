/** Prometheus' relabel rules (model/relabel): labels of a target before it is scraped, or of a sample before it is kept. */

import { createHash } from 'node:crypto'
import { goLower, goUpper } from '../go-case.ts'
import { compile, type Pattern } from '../re2.ts'

export const ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const
export type RelabelAction = (typeof ACTIONS)[number]

export interface RelabelRule {
  readonly action: RelabelAction
  readonly sourceLabels: readonly string[]
  readonly separator: string
  /** Matches whole texts: made by `anchored`. */
  readonly pattern: Pattern
  readonly modulus: number
  readonly targetLabel: string
  readonly replacement: string
  /** Names may have any characters; otherwise a target label that is no legacy name is left alone. */
  readonly utf8: boolean
}

/** Throws PatternError. */
export function anchored(regex: string): Pattern {
  return compile(`^(?s:${regex})$`)
}

const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/

export function isLabelName(name: string, utf8: boolean): boolean {
  return utf8 ? name !== '' : LEGACY_LABEL.test(name)
}

/** Changes `labels` (no empty values) by each rule in turn. False: a rule says to drop it. */
export function relabel(labels: Map<string, string>, rules: readonly RelabelRule[]): boolean {
  return rules.every(rule => apply(labels, rule))
}

function set(labels: Map<string, string>, name: string, value: string): void {
  if (value === '') labels.delete(name)
  else labels.set(name, value)
}

function apply(labels: Map<string, string>, rule: RelabelRule): boolean {
  const value = rule.sourceLabels.map(name => labels.get(name) ?? '').join(rule.separator)
  const target = rule.targetLabel
  switch (rule.action) {
    case 'keep':
      return rule.pattern.test(value)
    case 'drop':
      return !rule.pattern.test(value)
    case 'keepequal':
      return (labels.get(target) ?? '') === value
    case 'dropequal':
      return (labels.get(target) ?? '') !== value
    case 'replace':
      replace(labels, rule, value)
      break
    case 'lowercase':
      set(labels, target, goLower(value))
      break
    case 'uppercase':
      set(labels, target, goUpper(value))
      break
    case 'hashmod':
      labels.set(target, String(hash(value) % BigInt(rule.modulus)))
      break
    default:
      eachName(labels, rule)
  }
  return true
}

function replace(labels: Map<string, string>, rule: RelabelRule, value: string): void {
  const groups = rule.pattern.match(value)
  if (groups === undefined) return
  const name = expand(rule.targetLabel, rule.pattern, value, groups)
  if (isLabelName(name, rule.utf8)) set(labels, name, expand(rule.replacement, rule.pattern, value, groups))
}

/** labelmap, labeldrop, labelkeep */
function eachName(labels: Map<string, string>, { action, pattern, replacement }: RelabelRule): void {
  for (const [name, value] of [...labels]) {
    const groups = pattern.match(name)
    if (action === 'labelmap') {
      if (groups !== undefined) set(labels, expand(replacement, pattern, name, groups), value)
    } else if ((groups !== undefined) === (action === 'labeldrop')) labels.delete(name)
  }
}

/** The lower half of MD5, as Prometheus has always taken it. */
function hash(value: string): bigint {
  return createHash('md5').update(value).digest().readBigUInt64BE(8)
}

/** `$1`, `${1}`, `$name`, `${name}` and `$$` as Go's Regexp.Expand has them; `whole` is what was matched. */
function expand(template: string, pattern: Pattern, whole: string, groups: readonly string[]): string {
  if (!template.includes('$')) return template
  return template.replaceAll(/\$(?:\$|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})/g, (found, bare, braced) => {
    if (found === '$$') return '$'
    const name = (bare ?? braced) as string
    if (!/^[0-9]+$/.test(name)) return groups[pattern.groups.indexOf(name)] ?? ''
    return Number(name) === 0 ? whole : (groups[Number(name) - 1] ?? '')
  })
}
