/** Ids of components (`otlp/backup`) and pipelines (`traces/2`): component/identifiable.go and pipeline/pipeline.go. */

import { nearest } from '../config/suggest.ts'
import { SIGNALS, type Signal } from '../core/otlp/signals.ts'

/** What is wrong with an id, and what to do. */
export type BadId = { readonly wrong: string; readonly fix: string }

export interface ComponentId {
  /** Without the spaces that are allowed around the slash. */
  readonly id: string
  readonly type: string
}

export interface PipelineId {
  readonly id: string
  readonly signal: Signal
}

const TYPE = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/
const NAME = /^[^\p{Z}\p{C}\p{S}]+$/u
const NAME_BYTES_MAX = 1024

export function parseComponentId(written: string): ComponentId | BadId {
  const parts = splitId(written)
  if ('wrong' in parts) return parts
  if (!TYPE.test(parts.first)) {
    const dashless = parts.id.replace(parts.first, parts.first.replaceAll('-', '_'))
    if (dashless !== parts.id && TYPE.test(parts.first.replaceAll('-', '_'))) {
      return { wrong: `"${parts.first}" has a "-", which no type has`, fix: `did you mean "${dashless}"?` }
    }
    return {
      wrong: `"${parts.first}" cannot be the type of a component`,
      fix: 'write type or type/name; a type has letters, digits and _, and begins with a letter',
    }
  }
  return { id: parts.id, type: parts.first }
}

export function parsePipelineId(written: string): PipelineId | BadId {
  const parts = splitId(written)
  if ('wrong' in parts) return parts
  const signal = SIGNALS.find(one => one === parts.first)
  if (signal !== undefined) return { id: parts.id, signal }
  const near = nearest(parts.first, SIGNALS)
  return {
    wrong: `"${parts.first}" is not a signal`,
    fix:
      near === undefined ? `write one of ${SIGNALS.join(', ')}, or <signal>/name` : `did you mean "${near}"?`,
  }
}

function splitId(written: string): { readonly id: string; readonly first: string } | BadId {
  const slash = written.indexOf('/')
  const first = (slash === -1 ? written : written.slice(0, slash)).trim()
  if (first === '')
    return { wrong: `the id "${written}" has nothing before the slash`, fix: 'write type or type/name' }
  if (slash === -1) return { id: first, first }
  const name = written.slice(slash + 1).trim()
  if (name === '') {
    return {
      wrong: `the id "${written}" has nothing behind the slash`,
      fix: `write ${first} or ${first}/name`,
    }
  }
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    return { wrong: `the name of this id is longer than ${NAME_BYTES_MAX} bytes`, fix: 'shorten it' }
  }
  if (!NAME.test(name)) {
    return {
      wrong: `the name "${name}" has a space, a symbol or a control character`,
      fix: 'use letters, digits and punctuation such as - and _',
    }
  }
  return { id: `${first}/${name}`, first }
}
