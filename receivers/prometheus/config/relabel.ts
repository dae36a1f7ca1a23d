/** `relabel_configs` and `metric_relabel_configs`. */

import { also, choice, integer, list, section, type ValueOf } from '../../../config/schema.ts'
import {
  ACTIONS,
  anchored,
  isLabelName,
  type RelabelAction,
} from '../../../core/formats/prometheus/relabel.ts'
import { PatternError } from '../../../core/formats/re2.ts'
import { words } from './words.ts'

/** What a key says when it is not written; some actions want that of it. */
const UNSET = { separator: ';', regex: '(.*)', replacement: '$1', modulus: 0 } as const

/** These write into target_label. */
const WRITERS: readonly RelabelAction[] = [
  'replace',
  'hashmod',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
]

function patternProblem(regex: string): readonly [string, string] | undefined {
  try {
    anchored(regex)
    return undefined
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return [`"${regex}" is no pattern: ${error.message}`, 'write it as RE2']
  }
}

/** In any case of letters. */
const action = also(
  choice(ACTIONS, { default: 'replace', doc: 'What is done.' }),
  'the same in capitals',
  { type: 'string' },
  node => {
    const word = node.kind === 'scalar' ? String(node.value).toLowerCase() : ''
    return ACTIONS.find(one => one === word)
  },
)

const rule = section(
  {
    source_labels: list(words({ doc: 'The name of a label.' }), {
      doc: 'Labels whose values are joined and looked at.',
    }),
    separator: words({ default: UNSET.separator, doc: 'Stands between them.' }),
    regex: words({
      default: UNSET.regex,
      doc: 'Pattern (RE2) of the whole text; of the names of labels for labelmap, labeldrop and labelkeep.',
      check: patternProblem,
    }),
    modulus: integer({ default: 0, min: 0, doc: 'hashmod: the hash is taken modulo this.' }),
    target_label: words({ default: '', doc: 'Where the result goes. May have $1 for replace.' }),
    replacement: words({
      default: UNSET.replacement,
      doc: 'The result; $1 is the first group. In a Collector config a ${1} is written $${1}.',
    }),
    action,
  },
  {
    doc: 'A rule.',
    check(value, report) {
      const { action, target_label: target, replacement } = value
      const written = (['source_labels', 'separator', 'modulus', 'replacement'] as const).filter(key =>
        key === 'source_labels' ? value[key].length > 0 : value[key] !== UNSET[key],
      )
      if (WRITERS.includes(action) && target === '')
        report.error('target_label', `is missing: ${action} needs one`, 'write target_label')
      if (action === 'hashmod' && value.modulus === 0)
        report.error('modulus', 'is missing: hashmod needs one', 'write modulus: 8')
      if (action === 'labeldrop' || action === 'labelkeep') {
        if (target !== '') report.error('target_label', `has no place beside ${action}`, 'remove it')
        for (const key of written) report.error(key, `has no place beside ${action}`, 'remove it')
      }
      if (action === 'keepequal' || action === 'dropequal') {
        const extra = written.filter(key => key !== 'source_labels')
        for (const key of extra) report.error(key, `has no place beside ${action}`, 'remove it')
        if (value.regex !== UNSET.regex) report.error('regex', `has no place beside ${action}`, 'remove it')
      }
      if ((action === 'lowercase' || action === 'uppercase') && replacement !== UNSET.replacement)
        report.error('replacement', `has no place beside ${action}`, 'remove it')
      if (action === 'labelmap' && !isLabelName(replacement, true))
        report.error('replacement', 'is empty: labelmap needs one', 'write replacement: $1')
    },
  },
)

export type RelabelSettings = ValueOf<typeof rule>

export function relabelRules(doc: string) {
  return list(rule, { doc })
}
