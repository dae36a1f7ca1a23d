/**
 * Compiles loops that are WebAssembly because V8 makes them faster than JavaScript: each `assembly/<name>.ts`, which is
 * AssemblyScript, to the `<name>.wasm` beside its folder. `npm run wasm` writes them; `test/tools/loops.test.ts` fails when a
 * committed one is not what this makes.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

/** What is made of what, from the root of the project. */
export const LOOPS: Readonly<Record<string, string>> = {
  'core/formats/deflate/pack.wasm': 'core/formats/deflate/assembly/pack.ts',
  'core/formats/jaeger-es/reading.wasm': 'core/formats/jaeger-es/assembly/reading.ts',
}

// Memory is what TypeScript gives them: at least one page. There is nothing in it that a runtime would have to care for.
const OPTIONS = [
  ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--noAssert', '--runtime', 'stub', '--enable', 'simd'],
  ...['--importMemory', '--noExportMemory', '--initialMemory', '1'],
]

/** Throws what the compiler says of the source when it does not compile. */
export function compileLoop(source: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'loop-'))
  try {
    const made = join(folder, 'loop.wasm')
    // Its types would declare another `console` for all of the project.
    const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js')
    execFileSync(process.execPath, [compiler, source, '--outFile', made, ...OPTIONS], {
      cwd: root,
      stdio: 'pipe',
    })
    return readFileSync(made)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [file, source] of Object.entries(LOOPS)) writeFileSync(root + file, compileLoop(source))
