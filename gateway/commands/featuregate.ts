/** `featuregate [ID]`: the gates there are, or one of them. */

import { didYouMean } from '../../config/suggest.ts'
import { type CommandLine, EXIT_FAILED, EXIT_OK } from '../cli.ts'
import { GATES, readGates } from '../gates.ts'
import type { CommandIo } from './io.ts'

export function featureGates({ rest, gates }: CommandLine, io: CommandIo): number {
  const { enabled } = readGates(gates)
  const [id] = rest
  if (id === undefined) {
    for (const gate of GATES) {
      io.out(
        `${gate.id.padEnd(52)} ${enabled(gate.id) ? 'on ' : 'off'} ${gate.stage.padEnd(7)} ${gate.doc}\n`,
      )
    }
    return EXIT_OK
  }
  const gate = GATES.find(one => one.id === id)
  if (gate === undefined) {
    const known = GATES.map(one => one.id)
    io.err(`there is no feature gate "${id}"; ${didYouMean(id, known)}\n`)
    return EXIT_FAILED
  }
  io.out(`Feature: ${gate.id}\nEnabled: ${enabled(id)}\nStage: ${gate.stage}\nDescription: ${gate.doc}\n`)
  return EXIT_OK
}
