/** The keys of one action of the `attributes` and `resource` processors (contrib internal/coreinternal/attraction 0.155). */

import { anyCase, choice, section, text, type ValueOf } from '../../config/schema.ts'
import { compile, patternProblem } from '../formats/re2.ts'
import { configValue } from './config-value.ts'

const ACTIONS = ['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'] as const
type ActionName = (typeof ACTIONS)[number]

const fields = {
  key: text({ default: '', doc: 'The attribute.' }),
  action: choice([...ACTIONS, ''], {
    default: '',
    doc: 'insert sets what is not there, update what is, upsert either; delete removes; hash replaces by its SHA-256 in hex; extract takes attributes out of a text by a pattern; convert changes the type.',
    aliases: anyCase(ACTIONS),
  }),
  value: configValue({ doc: 'The new value, of any type.' }),
  from_attribute: text({ default: '', doc: 'Attribute the new value is taken from.' }),
  from_context: text({
    default: '',
    doc: 'What the new value is taken from: metadata.NAME (a request header), auth.NAME, client.address.',
  }),
  default_value: configValue({ doc: 'The new value when its source has none.' }),
  pattern: text({
    default: '',
    doc: 'RE2 pattern. extract: each named group becomes an attribute. delete, hash: keys that match are meant too.',
  }),
  converted_type: choice(['', 'int', 'double', 'string'], { default: '', doc: 'The type convert gives.' }),
}

/** Which keys each action may have, besides key and action. */
const SETTING = ['value', 'from_attribute', 'from_context', 'default_value'] as const
const USES: Readonly<Record<ActionName, readonly (keyof typeof fields)[]>> = {
  insert: SETTING,
  update: SETTING,
  upsert: SETTING,
  // The Collector lets these two have keys that do nothing; a config with them must start.
  delete: ['pattern', 'from_context', 'default_value'],
  hash: ['pattern', 'from_context', 'default_value'],
  extract: ['pattern', 'default_value'],
  convert: ['converted_type', 'default_value'],
}

export const actionSection = section(fields, {
  doc: 'One action. Actions run in order, each on what the ones before it left.',
  check: (value, report) => {
    const { action, key, pattern } = value
    if (action === '') {
      report.error('action', 'is missing', `write one of ${ACTIONS.join(', ')}`)
      return
    }
    const byPattern = action === 'delete' || action === 'hash'
    if (key === '' && !(byPattern && pattern !== ''))
      report.error('key', 'is missing', byPattern ? 'write key or pattern' : 'write which attribute is meant')
    for (const name of ['value', 'from_attribute', 'from_context', 'pattern', 'converted_type'] as const) {
      if (value[name] === undefined || value[name] === '' || USES[action].includes(name)) continue
      report.error(name, `is not used by ${action}`, 'remove it')
    }
    if (USES[action] === SETTING) checkSources(value, report)
    if (action === 'convert' && value.converted_type === '')
      report.error('converted_type', 'is missing', 'write int, double or string')
    if (action === 'extract' && pattern === '')
      report.error(
        'pattern',
        'is missing',
        'write a pattern with named groups, such as ^/(?P<version>v[0-9]+)/',
      )
    if (pattern === '' || !USES[action].includes('pattern')) return
    const problem = patternProblem(pattern)
    if (problem !== undefined) report.error('pattern', `is not a pattern: ${problem}`)
    else if (action === 'extract') checkGroups(pattern, report)
  },
})

interface Report {
  error(key: keyof typeof fields, wrong: string, fix?: string): void
}

function checkSources(value: ActionConfig, report: Report): void {
  const sources = [value.value !== undefined, value.from_attribute !== '', value.from_context !== ''].filter(
    Boolean,
  ).length
  if (sources > 1)
    report.error('value', 'has more than one source', 'keep one of value, from_attribute, from_context')
  if (sources === 0 && value.default_value === undefined)
    report.error('value', 'is missing', 'write value, from_attribute, from_context or default_value')
}

function checkGroups(pattern: string, report: Report): void {
  const { groups } = compile(pattern)
  if (groups.length === 0)
    report.error('pattern', 'has no group', 'write (?P<name>...) around what is wanted')
  else if (groups.includes(''))
    report.error(
      'pattern',
      'has a group without a name',
      'write (?P<name>...), or (?:...) for one that is not wanted',
    )
}

export type ActionConfig = ValueOf<typeof actionSection>
