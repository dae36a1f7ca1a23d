import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { generateFields, generateMessages } from '../../tools/generate-fields.ts'
import { generateJsonSchema } from '../../tools/generate-json-schema.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const GENERATED: readonly (readonly [file: string, tool: string, generate: () => string])[] = [
  ['core/otlp/fields.ts', 'tools/generate-fields.ts', generateFields],
  ['core/otlp/messages.ts', 'tools/generate-fields.ts', generateMessages],
  ['core/otlp/json-schema.ts', 'tools/generate-json-schema.ts', generateJsonSchema],
]

for (const [file, tool, generate] of GENERATED) {
  // Scenario: a file that a tool wrote is compared with what the tool writes now.
  // Guarantees: nobody edited the file by hand, and it was written again after the .proto files or the tool changed.
  test(`${file} is what ${tool} writes`, () => {
    assert.equal(readFileSync(root + file, 'utf8'), generate(), `run: node ${tool}`)
  })
}
