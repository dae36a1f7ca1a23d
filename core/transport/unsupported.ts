/** Keys of the Collector that Sluice cannot honour yet: written, they are an error that says so. */

import type { Schema } from '../../config/schema.ts'

/** `what` completes "<path>: ..."; `fix` says what to do instead. Null or `false` counts as not written. */
export function unsupported(options: { doc: string; what: string; fix: string }): Schema<undefined> {
  return {
    doc: `${options.doc} Not supported yet: ${options.what}.`,
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
    json: () => ({ description: `Not supported yet: ${options.what}.`, deprecated: true }),
  }
}
