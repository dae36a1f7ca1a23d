#!/usr/bin/env node
/**
 * Turns on Node's compile cache and runs main.ts. Apart from it, because only what is loaded afterwards is cached; and
 * JavaScript, because for a single .ts file outside the cache Node loads the WebAssembly that strips types.
 *
 * The cache lies in the installation and not in Node's default below /tmp: it holds code that will be run, and there
 * anybody could put some. An installation that cannot be written does without. NODE_COMPILE_CACHE (another folder) and
 * NODE_DISABLE_COMPILE_CACHE win.
 */

import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache({
  directory: fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url)),
  portable: true,
})
await import('./main.ts')
