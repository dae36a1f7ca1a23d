import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { DIFFERENCES, TABLES } from './differences.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

// Scenario: the list of differences beside the page that users read.
// Guarantees: what the tests know of, users can know of, in the same words; nothing is listed for a table that is not.
test('every difference stands in docs/differences.md', () => {
  const page = read('../../docs/differences.md').replaceAll(/\s+/g, ' ')
  for (const { says, where } of DIFFERENCES) {
    assert.ok(page.includes(says), `docs/differences.md does not say: ${says}`)
    for (const one of where) assert.match(one, new RegExp(`^(?:${TABLES.join('|')}): .+: .+$`))
  }
})

// Scenario: the tables and the files beside this one.
// Guarantees: each file has its table, so a difference is listed under a name that runs.
test('every table is a file', () => {
  const files = readdirSync(new URL('.', import.meta.url)).filter(name => name.endsWith('.collector.ts'))
  assert.deepEqual(files.map(name => name.replace('.collector.ts', '')).sort(), [...TABLES].sort())
})
