/**
 * Ports for programs that must be told one. Asking the system for any free port and closing it again is a race: until
 * the program listens, the system may give the same port to an outgoing connection. So these lie below the range that
 * the system gives away (32768 and up on Linux), and no two test processes share them.
 */

import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST = 20_000
const BLOCKS = 60
/**
 * The first port of a block is held open as the sign that the block is taken; it ends with the process. Large enough that
 * a server which is killed and started again finds its ports as it left them, whatever was started meanwhile.
 */
const BLOCK = 200

let block: Promise<number> | undefined
let given = 0

/** A port on 127.0.0.1 that nobody uses, and that this process is not given again before 198 others. */
export async function freePort(): Promise<number> {
  block ??= claimBlock()
  const first = await block
  for (let tries = 1; tries < BLOCK; tries++) {
    const port = first + 1 + (given++ % (BLOCK - 1))
    const server = await listening(port)
    if (server === undefined) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error(`no port from ${first + 1} to ${first + BLOCK - 1} is free`)
}

async function claimBlock(): Promise<number> {
  const start = Math.floor(Math.random() * BLOCKS)
  for (let i = 0; i < BLOCKS; i++) {
    const first = FIRST + ((start + i) % BLOCKS) * BLOCK
    const server = await listening(first)
    if (server === undefined) continue
    server.unref()
    return first
  }
  throw new Error(`every ${BLOCK}th port from ${FIRST} to ${FIRST + BLOCKS * BLOCK} is taken`)
}

/** Undefined when somebody else has the port. */
async function listening(port: number) {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}
