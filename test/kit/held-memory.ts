/** How much memory is held: for tests of bounds, which are off by far when they are missing. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of V8's heap and of buffers outside it, once all is collected that nobody holds. */
export async function heldBytes(): Promise<number> {
  // Buffers go in a task after the collection that found them free.
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
