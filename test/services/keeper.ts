/**
 * Runs a program until it is told to stop or the owner is gone: a server must not outlive the tests, not even when
 * they are killed.
 *
 *     node keeper.ts OWNER_PID CONTAINER|- PROGRAM ARGS...
 *
 * SIGTERM is handed on; SIGUSR2 kills the program, for tests of what happens when a server dies. With a container the
 * program is the engine's client: a signal would reach the client, so the engine is told instead.
 */

import { spawn } from 'node:child_process'

const GRACE_SECONDS = 15

const [owner, container, program, ...args] = process.argv.slice(2)
const child = spawn(program!, args, { stdio: 'inherit' })
let killer: NodeJS.Timeout | undefined
let abandoned = false

function tellEngine(...words: string[]): void {
  spawn(program!, [...words, container!], { stdio: 'ignore' }).on('error', () => undefined)
}

/** An engine gets longer: it kills by itself when the grace is over. */
function killLater(): void {
  const seconds = container === '-' ? GRACE_SECONDS : 2 * GRACE_SECONDS
  killer ??= setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
}

function end(): void {
  if (killer !== undefined) return
  killLater()
  if (container === '-') child.kill('SIGTERM')
  else tellEngine('stop', '-t', String(GRACE_SECONDS))
}

/** Nobody will start it again. */
function abandon(): void {
  if (abandoned) return
  abandoned = true
  if (container === '-') end()
  else {
    killLater()
    tellEngine('rm', '--force', '--volumes')
  }
}

const watch = setInterval(() => {
  try {
    process.kill(Number(owner), 0)
  } catch {
    abandon()
  }
}, 500)
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('SIGHUP', end)
process.on('SIGUSR2', () => (container === '-' ? child.kill('SIGKILL') : tellEngine('kill')))
child.on('error', error => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
  clearInterval(watch)
})
child.on('close', code => {
  clearInterval(watch)
  clearTimeout(killer)
  process.exitCode = code ?? 1
})
