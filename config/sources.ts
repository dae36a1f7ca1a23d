/** Where configs and `${...}` come from: the schemes `file:`, `env:` and `yaml:`. */

import { type BigIntStats, closeSync, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { didYouMean } from './suggest.ts'

/** No config is larger, and reading stops here whatever the file is. */
export const FILE_BYTES_MAX = 10 * 1024 * 1024

const CHUNK_BYTES = 64 * 1024

export const SCHEMES = ['env', 'file', 'yaml'] as const
export type Scheme = (typeof SCHEMES)[number]

export interface Location {
  readonly scheme: Scheme
  readonly value: string
}

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  /** What relative paths are relative to. */
  readonly cwd: string
  /** Told of every file before it is read, whether it can be or not: its absolute path and its `fileState`. */
  readonly onFile?: (path: string, state: string) => void
  /** Told of every file that could be read: its absolute path and its text. */
  readonly onText?: (path: string, text: string) => void
  /** Files that were read before, by absolute path: these texts are taken, whatever is on the disk by now. */
  readonly texts?: ReadonlyMap<string, string>
}

export interface Retrieved {
  readonly text: string
  /** A warning: the text is empty because nothing was there. */
  readonly unset?: string
}

export class SourceError extends Error {
  readonly fix: string

  constructor(wrong: string, fix = '') {
    super(wrong)
    this.fix = fix
  }
}

/** A scheme has at least two characters, so that C:\config.yaml is a path (confmap/expand.go). */
const ADDRESS = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s

/** `env:NAME` and its like. A text without a scheme has `fallback`. Throws SourceError. */
export function parseLocation(written: string, fallback: Scheme): Location {
  const [, scheme, value = ''] = ADDRESS.exec(written) ?? []
  if (scheme === undefined) return { scheme: fallback, value: written }
  const known = SCHEMES.find(one => one === scheme)
  if (known !== undefined) return { scheme: known, value }
  // ${NAME:-default} without env: is what everybody writes first.
  if (fallback === 'env' && value.startsWith('-') && NAME.test(scheme))
    return { scheme: 'env', value: written }
  if (scheme === 'http' || scheme === 'https') {
    throw new SourceError(
      `configs are not fetched over ${scheme}`,
      'download it first, then give the path of the file',
    )
  }
  throw new SourceError(`"${scheme}:" is not a kind of source`, didYouMean(scheme, SCHEMES))
}

/** The text at a location. Throws SourceError when there is none. */
export function retrieve({ scheme, value }: Location, surroundings: Surroundings): Retrieved {
  const { env, cwd, onFile, onText, texts } = surroundings
  if (scheme === 'yaml') return { text: value }
  if (scheme === 'env') return fromEnvironment(value, env)
  const path = resolve(cwd, value)
  const known = texts?.get(path)
  if (known !== undefined) return { text: known }
  onFile?.(path, fileState(statSync(path, { bigint: true, throwIfNoEntry: false })))
  const text = readFile(path, value)
  onText?.(path, text)
  return { text }
}

/** Another state is another content, or the same written again. Links are followed; `missing` is a state too. */
export function fileState(stats: BigIntStats | undefined): string {
  return stats === undefined
    ? 'missing'
    : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

function fromEnvironment(written: string, env: NodeJS.ProcessEnv): Retrieved {
  const cut = written.indexOf(':-')
  const name = cut === -1 ? written : written.slice(0, cut)
  if (!NAME.test(name)) {
    throw new SourceError(
      `"${name}" cannot be the name of an environment variable`,
      'names have letters, digits and _ and do not begin with a digit; a literal ${ is written $${',
    )
  }
  const value = env[name]
  if (value !== undefined) return { text: value }
  return cut === -1 ? { text: '', unset: name } : { text: written.slice(cut + 2) }
}

const FILE_FAULTS: Readonly<Record<string, readonly [wrong: string, fix: string]>> = {
  ENOENT: ['there is no such file', 'check the path; relative ones start where the gateway was started'],
  ENOTDIR: ['there is no such file', 'a part of the path is a file, not a directory'],
  EACCES: ['the file may not be read', 'give the gateway permission to read it'],
  EISDIR: ['is a directory', 'name a file in it'],
}

/** Reads at most FILE_BYTES_MAX, pipes and devices included. */
function readFile(path: string, written: string): string {
  const bytes = readBytes(path, written)
  if (bytes.length > FILE_BYTES_MAX) {
    throw new SourceError(`${written}: is larger than ${FILE_BYTES_MAX} bytes`, 'is this the right file?')
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SourceError(`${written}: is not UTF-8 text`, 'save it as UTF-8')
  }
}

/** One chunk more than is allowed at most. */
function readBytes(path: string, written: string): Uint8Array {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    const file = openSync(path, 'r')
    try {
      while (length <= FILE_BYTES_MAX) {
        const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
        const read = readSync(file, chunk, 0, chunk.length, null)
        if (read === 0) break
        chunks.push(chunk.subarray(0, read))
        length += read
      }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const [wrong, fix] = FILE_FAULTS[code] ?? [(error as Error).message, '']
    throw new SourceError(`${written}: ${wrong}`, fix)
  }
  return Buffer.concat(chunks, length)
}
