import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compileLoop, LOOPS } from '../../tools/compile-loops.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

// Scenario: the WebAssembly that is committed, and what the compiler makes of its source today.
// Guarantees: they are the same: who reads the source knows what runs.
test('loops in WebAssembly are what their sources say', () => {
  const committed = globSync('**/*.wasm', { cwd: root, exclude: ['node_modules'] })
  assert.deepEqual(committed.toSorted(), Object.keys(LOOPS).toSorted())
  for (const [file, source] of Object.entries(LOOPS)) {
    const made = compileLoop(source)
    assert.equal(Buffer.compare(readFileSync(root + file), made), 0, `${file}: run \`npm run wasm\``)
  }
})

// Scenario: a source that is not there.
// Guarantees: the error says what the compiler said.
test('a loop that does not compile says why', () => {
  assert.throws(() => compileLoop('core/formats/none.ts'), /core\/formats\/none\.ts/)
})
