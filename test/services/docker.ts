/**
 * Servers in containers, where an engine is there: Docker, or another with its command line.
 *
 *     SLUICE_SERVICES  auto (default): Docker where its engine answers and has the image or can get it, else local
 *                      docker: nothing else; what is missing is an error
 *                      local: no container
 *     SLUICE_DOCKER    the command, `docker`; `podman` works too
 *
 * A container is made first (`create`), given its files (`docker cp`: no folder is shared, so that no user of an image
 * needs rights on ours, and the engine may be elsewhere) and then runs attached to a process of ours, whose output is its
 * output. Ports are published on 127.0.0.1 only. It goes with `--rm`; one that is to start again goes with the run. Every
 * container bears a label with the host and is named after the run's owner; what a killed run left is removed by the
 * next one that looks.
 */

import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { mayGet } from './cache.ts'
import { IMAGES, type ImageOf } from './images.ts'
import { complete, type Running, run } from './process.ts'
import { alive, type Kept, keep, runOwner } from './service.ts'

/** How long an engine may take to say that it is there. */
const ANSWER_MS = 10_000
/** And to get an image. */
const PULL_MS = 600_000
const LABEL = `sluice.services=${hostname()}`
const NAME = /^sluice-(\d+)-/

/** What a container is made of. */
export interface Container {
  readonly image: ImageOf
  /** Begins the name of the container. */
  readonly word: string
  readonly args?: readonly string[]
  readonly entrypoint?: string
  readonly env?: Readonly<Record<string, string>>
  /** Published on 127.0.0.1 under the number that they have inside. None: it shares the network of the machine. */
  readonly ports?: readonly number[]
  /** Path inside to path of the file or folder here, which everyone may read. */
  readonly files?: Readonly<Record<string, string>>
  /** It stays when it ends, to be started again with the data it had. */
  readonly stays?: boolean
}

/** The engine's command. */
export function engine(): string {
  return process.env['SLUICE_DOCKER'] || 'docker'
}

const ways = new Map<ImageOf, Promise<'docker' | 'local'>>()

/** How a server of this image is had. Throws where only Docker is wanted and cannot do it. */
export function wayOf(image: ImageOf): Promise<'docker' | 'local'> {
  let way = ways.get(image)
  if (way === undefined) ways.set(image, (way = chooseWay(image, troubleOnce)))
  return way
}

/** The same, looked for anew. */
export async function chooseWay(image: ImageOf, troubleOf = engineTrouble): Promise<'docker' | 'local'> {
  const wish = process.env['SLUICE_SERVICES'] || 'auto'
  if (wish === 'local') return 'local'
  if (wish !== 'auto' && wish !== 'docker') {
    throw new Error(`SLUICE_SERVICES is ${JSON.stringify(wish)}; it may be auto, docker or local`)
  }
  const trouble = troubleOf()
  if (trouble !== undefined) {
    if (wish === 'auto') return 'local'
    throw new Error(`SLUICE_SERVICES=docker, but ${trouble}. Start the engine, or use SLUICE_SERVICES=local`)
  }
  try {
    await haveImage(image)
  } catch (error) {
    if (wish === 'docker') throw error
    process.stderr.write(`${(error as Error).message}\nGoing on without Docker.\n`)
    return 'local'
  }
  removeLeftOver()
  return 'docker'
}

/** Why no engine answers; undefined when one does. */
function engineTrouble(): string | undefined {
  const asked = spawnSync(engine(), ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
    timeout: ANSWER_MS,
  })
  if (asked.error !== undefined) {
    const { code, message } = asked.error as NodeJS.ErrnoException
    if (code === 'ENOENT') return `there is no program ${engine()}`
    return code === 'ETIMEDOUT' ? `${engine()} does not answer in ${ANSWER_MS / 1000} s` : message
  }
  return asked.status === 0 ? undefined : `${engine()} says: ${lastLine(asked.stderr)}`
}

const troubles = new Map<string, string | undefined>()

/** An engine that does not answer is not waited for once an image. */
function troubleOnce(): string | undefined {
  const command = engine()
  if (!troubles.has(command)) troubles.set(command, engineTrouble())
  return troubles.get(command)
}

async function haveImage(image: ImageOf): Promise<void> {
  const { name } = IMAGES[image]
  if (spawnSync(engine(), ['image', 'inspect', name], { stdio: 'ignore' }).status === 0) return
  if (!mayGet())
    throw new Error(
      `${engine()} has no image ${name} yet; node test/services/prepare.ts ${image} gets it, or says why it cannot`,
    )
  process.stderr.write(`Pulling ${name}, some minutes this first time.\n`)
  const pulled = run(engine(), ['pull', '--quiet', name])
  const limit = setTimeout(() => void pulled.stop('SIGKILL'), PULL_MS)
  const code = await pulled.ended
  clearTimeout(limit)
  if (code === 0) return
  throw new Error(
    `${engine()} has no image ${name} and cannot get it: ${lastLine(pulled.output()) || 'it took too long'}. Load it (docker load) or use SLUICE_SERVICES=local`,
  )
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/[.?]$/, '')
}

/** Containers of runs on this machine whose owner is gone. */
function removeLeftOver(): void {
  remove(
    containers().filter(name => {
      const owner = Number(NAME.exec(name)![1])
      return owner !== runOwner() && !alive(owner)
    }),
  )
}

/** What is left of this run, whose servers have been stopped. */
export function removeContainersOfRun(): void {
  if (process.env['SLUICE_SERVICES'] === 'local') return
  remove(containers().filter(name => Number(NAME.exec(name)![1]) === runOwner()))
}

/** Names of this machine's, running or not. */
function containers(): string[] {
  const list = ['ps', '--all', '--filter', `label=${LABEL}`, '--format', '{{.Names}}']
  const { stdout, status } = spawnSync(engine(), list, { encoding: 'utf8', timeout: ANSWER_MS })
  return status === 0 ? stdout.split('\n').filter(name => NAME.test(name)) : []
}

/** Whether they run or not, with their volumes. */
export function remove(names: readonly string[]): void {
  if (names.length > 0) spawnSync(engine(), ['rm', '--force', '--volumes', ...names], { stdio: 'ignore' })
}

let made = 0

/** Makes a container that does not run yet. Returns its name. */
export async function createContainer(container: Container): Promise<string> {
  const { image, word, ports = [], env = {}, files = {}, args = [] } = container
  const name = `sluice-${runOwner()}-${process.pid}-${made++}-${word}`
  if (made === 1 && runOwner() === process.pid) process.once('exit', removeContainersOfRun)
  const flags = ['--name', name, '--label', LABEL, '--memory', IMAGES[image].memory]
  if (container.stays !== true) flags.push('--rm')
  if (ports.length === 0) flags.push('--network', 'host')
  for (const port of ports) flags.push('--publish', `127.0.0.1:${port}:${port}`)
  for (const [key, value] of Object.entries(env)) flags.push('--env', `${key}=${value}`)
  if (container.entrypoint !== undefined) flags.push('--entrypoint', container.entrypoint)
  await complete(engine(), ['create', ...flags, IMAGES[image].name, ...args])
  try {
    for (const [inside, here] of Object.entries(files)) {
      await complete(engine(), ['cp', here, `${name}:${inside}`])
    }
  } catch (error) {
    remove([name])
    throw error
  }
  return name
}

/** Runs it under a keeper, like a program of `keep`: `stopKept` stops or kills what is inside. */
export function keepContainer(name: string, log: string): Kept {
  return keep(engine(), ['start', '--attach', name], log, name)
}

/** Runs it as a child, like `run`; it is gone when that has ended. */
export async function runContainer(container: Container): Promise<Running> {
  const name = await createContainer(container)
  const running = run(engine(), ['start', '--attach', name])
  return {
    ...running,
    async stop(signal = 'SIGTERM', timeoutMs = 20_000) {
      const seconds = String(Math.ceil(timeoutMs / 1000))
      // One that has ended is not there any more.
      const end = signal === 'SIGTERM' ? ['stop', '-t', seconds, name] : ['kill', '--signal', signal, name]
      await run(engine(), end).ended
      return running.ended
    },
  }
}

/** What to put before the arguments of a program in the image that reads its input, writes its output and ends. */
export function commandIn(image: ImageOf, entrypoint: string): readonly string[] {
  const flags = ['--rm', '--interactive', '--label', LABEL, '--memory', IMAGES[image].memory]
  return [engine(), 'run', ...flags, '--network', 'none', '--entrypoint', entrypoint, IMAGES[image].name]
}
