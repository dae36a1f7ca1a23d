import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { generateDocs } from '../../tools/generate-docs.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

// Scenario: the reference pages and the JSON Schema are compared with what the components say now.
// Guarantees: the documentation is never older than the code, and no page is left of a component that went.
test('the reference is what tools/generate-docs.ts writes', async () => {
  const files = await generateDocs()
  for (const [file, content] of files) {
    assert.equal(readFileSync(root + file, 'utf8'), content, `${file} is old; run: npm run docs`)
  }
  const pages = readdirSync(`${root}docs/reference`).map(name => `docs/reference/${name}`)
  assert.deepEqual(
    pages.filter(name => !files.has(name)),
    [],
    'pages of nothing; run: npm run docs',
  )
})

// Scenario: every key and metric on every page.
// Guarantees: each says what it means; a page that only lists names helps nobody.
test('nothing in the reference is without words', async () => {
  for (const [file, content] of await generateDocs()) {
    for (const line of content.split('\n')) assert.doesNotMatch(line, /\| {1,2}\|$/, `${file}: ${line}`)
  }
})
