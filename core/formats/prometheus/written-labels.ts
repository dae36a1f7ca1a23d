/**
 * Labels of series that are written instead of scraped, as the Collector 0.155 makes them
 * (pkg/translator/prometheusremotewrite, createAttributes): not quite those of a page. Empty values make no label, an
 * external label gives way to an attribute, and several underscores become one.
 */

import { type Attribute, byBytes, IDENTIFYING, instanceOf, jobOf, type Label, type Scope } from './labels.ts'
import { labelName, writtenLabelName } from './names.ts'

export interface LabelRules {
  readonly utf8: boolean
  /** Their names are labels already. */
  readonly external: readonly Label[]
  readonly scopeInfo: boolean
}

type Namer = (key: string, utf8: boolean) => string | undefined

/** What a scope's attributes may not replace. */
const RESERVED_SCOPE: ReadonlySet<string> = new Set(['name', 'version', 'schema_url'])

/** Labels of one resource and scope, which all its series share. */
export interface SharedLabels {
  readonly job: string | undefined
  readonly instance: string | undefined
  readonly scope: readonly Label[]
}

export function sharedLabels(resource: readonly Attribute[], scope: Scope, rules: LabelRules): SharedLabels {
  const hasName = resource.some(({ key, value }) => key === 'service.name' && value !== '')
  return {
    job: hasName ? jobOf(resource) : undefined,
    instance: instanceOf(resource) || undefined,
    scope: rules.scopeInfo ? scopeLabels(scope, rules.utf8) : [],
  }
}

function scopeLabels({ name, version, attributes }: Scope, utf8: boolean): Label[] {
  const labels: Label[] = []
  if (name !== '') labels.push(['otel_scope_name', name])
  if (version !== '') labels.push(['otel_scope_version', version])
  for (const { key, value } of attributes) {
    const label = RESERVED_SCOPE.has(key) ? undefined : writtenLabelName(`otel_scope_${key}`, utf8)
    if (label !== undefined && value !== '') labels.push([label, value])
  }
  return labels
}

/**
 * The labels of a point besides its name, or the attribute of which none can be made. Attributes come in the order of
 * their keys; of two that become one label the values are joined by `;` unless they are equal.
 */
export function pointLabels(
  attributes: readonly Attribute[],
  shared: SharedLabels,
  rules: LabelRules,
  namer: Namer = writtenLabelName,
): Map<string, string> | { readonly problem: string } {
  const labels = new Map<string, string>()
  for (const { key, value } of attributes.toSorted((a, b) => byBytes(a.key, b.key))) {
    if (value === '') continue
    const name = namer(key, rules.utf8)
    if (name === undefined) return { problem: key }
    const before = labels.get(name)
    if (before === undefined) labels.set(name, value)
    else if (before !== value) labels.set(name, `${before};${value}`)
  }
  if (shared.job !== undefined) labels.set('job', shared.job)
  if (shared.instance !== undefined) labels.set('instance', shared.instance)
  for (const [name, value] of rules.external) if (!labels.has(name)) labels.set(name, value)
  for (const [name, value] of shared.scope) labels.set(name, value)
  // Ours is the only one.
  labels.delete('__name__')
  return labels
}

/**
 * The labels of `target_info`; undefined when the resource has neither job nor instance, or nothing else to tell. Version
 * 1 keeps several underscores in a row here, as the Collector does.
 */
export function writtenTargetLabels(
  resource: readonly Attribute[],
  rules: LabelRules,
  version: 1 | 2,
): Map<string, string> | undefined {
  const telling = resource.filter(({ key }) => !IDENTIFYING.has(key))
  if (telling.length === 0) return undefined
  const none: Scope = { name: '', version: '', schemaUrl: '', attributes: [] }
  const shared = sharedLabels(resource, none, rules)
  const labels =
    version === 1
      ? pointLabels(telling, shared, { ...rules, utf8: false }, labelName)
      : pointLabels(telling, shared, rules)
  if (!(labels instanceof Map) || !(labels.has('job') || labels.has('instance'))) return undefined
  return labels
}
