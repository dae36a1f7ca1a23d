/**
 * What extensions can be for other parts, besides serving pages of their own. A part looks one up by the id in its
 * config (`auth: {authenticator: basicauth/edge}`, `sending_queue: {storage: file_storage}`) with `host.extension` in
 * its `start`, and asks with these whether it is one. None of this build implements them yet.
 */

import type { Extension } from './contract.ts'

/** Who a request comes from. Values end up in `Meta.auth`. */
export interface AuthRequest {
  /** Lower-case header or gRPC metadata name to its values. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** `address:port` of the peer. */
  readonly address: string
}

export interface ServerAuthenticator {
  /** Attributes of the sender (`subject`, `tenant`), or throws Rejected with status UNAUTHENTICATED. */
  authenticate(request: AuthRequest): Promise<ReadonlyMap<string, string>>
}

export interface ClientAuthenticator {
  /** Headers to add to a request; called for each one, so it caches tokens itself. */
  credentials(): Promise<ReadonlyMap<string, string>>
}

/** A durable first-in-first-out of byte strings. */
export interface StorageQueue {
  /** Resolves once the entry would survive the process; throws Refused when the store is full. */
  append(entry: Uint8Array): Promise<void>
  /** The oldest entry that is not taken, which `done` then deletes; undefined when there is none. */
  take(): Promise<{ readonly entry: Uint8Array; done(): Promise<void> } | undefined>
  close(): Promise<void>
}

export interface Storage {
  /** The queue of one part and name, the same one after a restart. */
  queue(part: string, name: string): Promise<StorageQueue>
}

function has(extension: Extension | undefined, method: string): boolean {
  return typeof (extension as Record<string, unknown> | undefined)?.[method] === 'function'
}

export function isServerAuthenticator(
  extension: Extension | undefined,
): extension is Extension & ServerAuthenticator {
  return has(extension, 'authenticate' satisfies keyof ServerAuthenticator)
}

export function isClientAuthenticator(
  extension: Extension | undefined,
): extension is Extension & ClientAuthenticator {
  return has(extension, 'credentials' satisfies keyof ClientAuthenticator)
}

export function isStorage(extension: Extension | undefined): extension is Extension & Storage {
  return has(extension, 'queue' satisfies keyof Storage)
}

/** What other parts can use an extension for, in words. */
export function offersOf(extension: Extension | undefined): readonly string[] {
  const offers: string[] = []
  if (isServerAuthenticator(extension)) offers.push('authenticates senders')
  if (isClientAuthenticator(extension)) offers.push('adds credentials')
  if (isStorage(extension)) offers.push('keeps queues')
  return offers
}
