import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { Check, formatProblem } from '../../config/node.ts'
import { plainValue } from '../../config/schema.ts'
import { parseYaml } from '../../config/yaml.ts'
import { CATALOG } from '../../gateway/catalog.ts'
import { configJsonSchema } from '../../gateway/json-schema.ts'
import { openConfig } from '../../gateway/open-config.ts'

const folder = fileURLToPath(new URL('../../config/examples/', import.meta.url))
const examples = readdirSync(folder).filter(name => name.endsWith('.yaml'))

// Scenario: every example, as an editor sees it and as the gateway reads it.
// Guarantees: neither finds a mistake, and the gateway has nothing to warn of but unset variables.
test('the examples are good configs', async () => {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(await configJsonSchema(CATALOG))
  assert.ok(examples.length > 0)
  for (const name of examples) {
    const node = parseYaml(readFileSync(folder + name, 'utf8'), { file: name }, new Check())
    assert.ok(validate(plainValue(node!)), `${name}: ${JSON.stringify(validate.errors)}`)
    const { config, check } = await openConfig(
      { sources: [name], sets: [], gates: [] },
      { env: {}, cwd: folder },
    )
    const said = check.problems.map(formatProblem).filter(line => !line.includes('is not set'))
    assert.deepEqual(said, [], name)
    assert.ok(config !== undefined)
  }
})

// Scenario: the whole schema is looked through for what it says of each key.
// Guarantees: every key has words, so that an editor can show them.
test('every key has a description', async () => {
  const missing: string[] = []
  const look = (schema: Record<string, unknown>, path: string): void => {
    for (const [key, value] of Object.entries((schema['properties'] ?? {}) as Record<string, object>)) {
      const child = value as Record<string, unknown>
      const forms = (child['anyOf'] ?? [child]) as Record<string, unknown>[]
      if (![child, ...forms].some(form => typeof form['description'] === 'string'))
        missing.push(`${path}.${key}`)
      for (const form of forms) look(form, `${path}.${key}`)
    }
    if (schema['items'] !== undefined) look(schema['items'] as Record<string, unknown>, `${path}[]`)
  }
  const schema = await configJsonSchema(CATALOG)
  for (const [name, one] of Object.entries(schema['definitions'] as Record<string, object>)) {
    look(one as Record<string, unknown>, name)
  }
  look(schema as Record<string, unknown>, '')
  assert.deepEqual(missing, [])
})
