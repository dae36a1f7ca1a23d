#!/usr/bin/env -S node --max-semi-space-size=2
/**
 * Sets up V8 and Node's compile cache, then runs main.ts. A file of its own, because only what is loaded afterwards is
 * cached; and JavaScript, because for a single .ts file outside the cache Node loads the WebAssembly that strips types.
 *
 * The cache lies in the installation and not in Node's default below /tmp: it holds code that will be run, and there
 * anybody could put some. An installation that cannot be written does without. NODE_COMPILE_CACHE (another folder) and
 * NODE_DISABLE_COMPILE_CACHE win.
 *
 * What V8 reads before any script runs stands in the first line, and in `npm start`: the part of the heap for new objects
 * is 2 MiB instead of 32. Requests here die within milliseconds, so a larger one is only resident memory, and so is what
 * node:http2 has read until the next collection: 60 MiB less under load with 4 MiB, 16 less when idle, and 15 to 20 less
 * over gRPC with 2, for the same CPU time.
 */

import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'

// Request bodies lie outside V8's heap. By itself V8 collects the whole heap each time that memory has grown by a
// fixed amount, which with bodies of 260 kB is every few dozen requests and more than half of all CPU. With this flag
// external memory counts towards the limit that grows with the heap, as everything else does.
setFlagsFromString('--external-memory-accounted-in-global-limit')
// Once a process was idle V8 lets its heap grow by less than a third before it collects all of it again. Requests that wait
// for a slow backend outlive two small collections, so that came every few hundred of them and took 50 ms of CPU. This is the
// rule then for every state that V8 is in: also where it would let the heap double, or grow by a tenth to save memory.
setFlagsFromString('--heap-growing-percent=50')
// Of 2 MiB of new objects there is too little to share: waking other threads and waiting for them cost more than it saved.
setFlagsFromString('--no-parallel-scavenge')

enableCompileCache({
  directory: fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url)),
  portable: true,
})

// Without a listener this signal ends the process. Loading the program takes longest, and the config is read after it.
process.on('SIGHUP', () => {})

// A worker has a primary that it can talk to; the variable alone may have come from anywhere.
if (process.env.SLUICE_WORKER !== undefined && process.connected) await import('./workers/worker.ts')
else await import('./main.ts')
