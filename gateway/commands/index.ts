/** Every command but `run`, which is main's own. */

import type { CommandLine } from '../cli.ts'
import type { CommandIo } from './io.ts'

/** Runs the command and gives the exit code (cli.ts). Never called with `run`. */
export async function runCommand(line: CommandLine, io: CommandIo): Promise<number> {
  io.err(`${line.command} is not there yet\n`)
  return 1
}
