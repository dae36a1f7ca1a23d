/** Config texts in tests: what was said of them, and the values without their places. */

import { loadConfig } from '../../config/load.ts'
import { Check, formatProblem, type Node } from '../../config/node.ts'
import { plainValue, type Schema } from '../../config/schema.ts'
import { parseYaml } from '../../config/yaml.ts'

export interface Read<T> {
  readonly value: T
  /** As a user sees them: `test.yaml:1:1: endpoint: is missing; ...`. */
  readonly said: readonly string[]
}

/** One YAML text, called `test.yaml`, neither merged nor expanded. */
export function readYaml(text: string): Read<unknown> {
  const check = new Check()
  const node = parseYaml(text, { file: 'test.yaml' }, check)
  return { value: node && plainValue(node), said: check.problems.map(formatProblem) }
}

/** The value of `v:` in a config after expansion; its kept text when it came from an expansion. */
export function expanded(
  v: string,
  env: NodeJS.ProcessEnv = {},
  cwd = '/',
): Read<unknown> & { readonly text: string | undefined } {
  const { root, check } = loadConfig([`yaml:v: ${v}`], [], { env, cwd })
  const node: Node | undefined = root.entries.get('v')?.node
  const text = node?.kind === 'scalar' && !node.fromExpansion ? undefined : node?.text
  return { value: node && plainValue(node), text, said: check.problems.map(formatProblem) }
}

/** What a schema makes of a YAML text, with variables from `env`. */
export function readAs<T>(schema: Schema<T>, text: string, env: NodeJS.ProcessEnv = {}): Read<T> {
  const { root, check } = loadConfig([`yaml:v: ${text}`], [], { env, cwd: '/' })
  const value = schema.read(root.entries.get('v')!.node, 'v', check)
  return { value, said: check.problems.map(problem => formatProblem(problem).replace(/^yaml:v/, 'v')) }
}
