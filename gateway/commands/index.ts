/** Every command but `run`, which is main's own. */

import { CATALOG, type CatalogEntry } from '../catalog.ts'
import { type CommandLine, EXIT_OK, helpText } from '../cli.ts'
import { version } from '../run.ts'
import { components } from './components.ts'
import { explain } from './explain.ts'
import { featureGates } from './featuregate.ts'
import type { CommandIo } from './io.ts'
import { printConfig } from './print-config.ts'
import { schema } from './schema.ts'
import { validate } from './validate.ts'

/** Runs the command and gives the exit code (cli.ts). Never called with `run`. */
export async function runCommand(
  line: CommandLine,
  io: CommandIo,
  catalog: readonly CatalogEntry[] = CATALOG,
): Promise<number> {
  switch (line.command) {
    case 'validate':
      return validate(line, io, catalog)
    case 'components':
      return components(io, catalog)
    case 'print-config':
      return printConfig(line, io, catalog)
    case 'schema':
      return schema(io, catalog)
    case 'explain':
      return explain(line, io, catalog)
    case 'featuregate':
      return featureGates(line, io)
    case 'version':
      io.out(`sluice version ${version()}\n`)
      return EXIT_OK
    default:
      io.out(helpText())
      return EXIT_OK
  }
}
