/** Keys of the Collector that Sluice cannot honour yet: written, they are an error that says so. */

import type { Schema } from '../../config/schema.ts'

/** `what` completes "<path>: ..."; `fix` says what to do instead. Null or `false` counts as not written. */
export function unsupported(options: { doc: string; what: string; fix: string }): Schema<undefined> {
  const sentence = `${options.what[0]!.toUpperCase()}${options.what.slice(1)}.`
  return {
    doc: `${options.doc} ${sentence}`,
    typeText: 'not supported yet',
    defaultText: undefined,
    required: false,
    secret: false,
    absent: () => undefined,
    read(node, path, check) {
      const off = node.kind === 'scalar' && (node.value === null || node.value === false || node.value === '')
      if (!off) check.error(node.at, path, options.what, options.fix)
      return undefined
    },
    print: () => undefined,
    json: () => ({ description: sentence, deprecated: true }),
  }
}
