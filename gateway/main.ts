/** The program: commands, signals, exit codes. The only place that ends the process. */

import { flushCompileCache } from 'node:module'
import { reasonOf } from '../core/telemetry/log.ts'
import { type CommandLine, EXIT_FAILED, EXIT_OK, EXIT_USAGE, parseCommandLine } from './cli.ts'
import { runCommand } from './commands/index.ts'
import { DEFAULT_CONFIG } from './open-config.ts'
import { ConfigError, type RunningGateway, SHUTDOWN_TIMEOUT_MS, startGateway } from './run.ts'
import { watchFiles } from './watch.ts'
import { welcome } from './welcome.ts'

const STOPPING = ['SIGTERM', 'SIGINT'] as const

const io = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
}

// Whoever reads the output may go away (`sluice schema | head`); that is no reason to fail.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const line = parseCommandLine(process.argv.slice(2))
if ('error' in line) {
  io.err(`sluice: ${line.error}\n`)
  process.exitCode = EXIT_USAGE
} else if (line.command === 'run') {
  await run(line)
} else {
  // start.js keeps the signal from ending a gateway that is not ready to hear it; any other command it may end.
  process.removeAllListeners('SIGHUP')
  process.exitCode = await runCommand(line, io)
}

async function run(line: CommandLine): Promise<void> {
  const { sets, gates, options } = line
  const shutdownTimeoutMs = options.shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS
  const own = line.sources.length === 0
  const sources = own ? [DEFAULT_CONFIG] : line.sources
  let gateway: RunningGateway | undefined
  let again = false
  // From the first moment on, because without a listener the signal would end the process.
  process.on('SIGHUP', () => {
    again = gateway === undefined
    gateway?.log.info('Received a signal to read the config again', { signal: 'SIGHUP' })
    void gateway?.reload()
  })
  // It takes data before it says that it is ready, and must not lose that.
  const early: NodeJS.Signals[] = []
  const stopEarly = (signal: NodeJS.Signals): void => {
    if (early.push(signal) > 1) process.exit(EXIT_FAILED)
  }
  for (const signal of STOPPING) process.on(signal, stopEarly)
  try {
    gateway = await startGateway({ sources, sets, gates, shutdownTimeoutMs })
  } catch (error) {
    io.err(error instanceof ConfigError ? `${error.message}\n` : `sluice: ${reasonOf(error)}\n`)
    // What did start may have left a handle open; there is nothing to wait for.
    process.exit(EXIT_FAILED)
  }
  if (own) {
    gateway.log.flush()
    io.out(welcome(gateway))
  }
  const stop = endWith(gateway)
  for (const signal of STOPPING) process.off(signal, stopEarly)
  early.forEach(stop)
  if (again) void gateway.reload()
  if (options.watch) watch(gateway)
  // Everything this config needs is compiled by now. Node writes the cache only at a clean exit, which may never come.
  flushCompileCache()
}

function watch(gateway: RunningGateway): void {
  const files = [...gateway.files.keys()]
  if (files.length === 0) gateway.log.warn('There is no file to watch: the config comes from somewhere else.')
  else gateway.log.info('Watching the files of the config', { files })
  watchFiles({ files: () => gateway.files, changed: () => gateway.reload() })
}

/** From here on the process ends by a signal, or by a bug that nobody caught. Returns what a signal does. */
function endWith(gateway: RunningGateway): (signal: NodeJS.Signals) => void {
  let ending = false
  const end = (code: number): void => {
    ending = true
    void gateway.stop().then(() => process.exit(code))
  }
  const stop = (signal: NodeJS.Signals): void => {
    // The second signal means now.
    if (ending) process.exit(EXIT_FAILED)
    gateway.log.info('Received a signal to stop', { signal })
    end(EXIT_OK)
  }
  for (const signal of STOPPING) process.on(signal, stop)
  const bug = (error: unknown): void => {
    gateway.log.error('Something failed that nobody caught; this is a bug. The gateway drains and ends.', {
      error,
    })
    if (!ending) end(EXIT_FAILED)
  }
  process.on('uncaughtException', bug)
  process.on('unhandledRejection', bug)
  return stop
}
