/** `schema`: the JSON Schema of the config file. */

import type { CatalogEntry } from '../catalog.ts'
import { EXIT_OK } from '../cli.ts'
import { configJsonSchema } from '../json-schema.ts'
import type { CommandIo } from './io.ts'

export async function schema(io: CommandIo, catalog: readonly CatalogEntry[]): Promise<number> {
  io.out(`${JSON.stringify(await configJsonSchema(catalog), null, 2)}\n`)
  return EXIT_OK
}
