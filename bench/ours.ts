/** How the benchmarks start the gateway that they measure. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The gateway as `npm start` starts it, with the flags that are there. */
export const OURS: readonly string[] = sluiceCommand()

function sluiceCommand(): string[] {
  const { scripts } = JSON.parse(readFileSync(here('../package.json'), 'utf8'))
  const [node, ...words] = (scripts.start as string).split(' ')
  if (node !== 'node') throw new Error(`package.json: "start" is not node: ${scripts.start}`)
  const script = words.pop()!
  return [process.execPath, ...words, here(`../${script}`)]
}
