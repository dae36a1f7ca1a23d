/**
 * @platformatic/kafka compiles 38 schemas when it is loaded, most of them of calls that are never made here: 2 MiB of live
 * heap, and 6 of resident memory. Loaded behind this file it compiles each when it is first used.
 *
 * The package's own Ajv is changed in memory, before it is used; no file is.
 */

import { createRequire } from 'node:module'

interface Validate {
  (...values: unknown[]): unknown
  errors?: unknown
}

interface AjvClass {
  readonly prototype: { compile(...args: unknown[]): Validate }
}

const require = createRequire(import.meta.resolve('@platformatic/kafka'))
const { Ajv2020 } = require('ajv/dist/2020.js') as { Ajv2020: AjvClass }
const { compile } = Ajv2020.prototype

Ajv2020.prototype.compile = function (...args) {
  let compiled: Validate | undefined
  const validate: Validate = (...values) => {
    compiled ??= compile.apply(this, args)
    const result = compiled(...values)
    validate.errors = compiled.errors
    return result
  }
  return validate
}
