/**
 * Runs a program until it is told to stop or the owner is gone: a server must not outlive the tests, not even when
 * they are killed.
 *
 *     node keeper.ts OWNER_PID PROGRAM ARGS...
 *
 * SIGTERM is handed on; SIGUSR2 kills the program, for tests of what happens when a server dies.
 */

import { spawn } from 'node:child_process'

const [owner, program, ...args] = process.argv.slice(2)
const child = spawn(program!, args, { stdio: 'inherit' })
let killer: NodeJS.Timeout | undefined

function end(): void {
  child.kill('SIGTERM')
  killer ??= setTimeout(() => child.kill('SIGKILL'), 15_000)
}

const watch = setInterval(() => {
  try {
    process.kill(Number(owner), 0)
  } catch {
    end()
  }
}, 500)
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('SIGHUP', end)
process.on('SIGUSR2', () => child.kill('SIGKILL'))
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
