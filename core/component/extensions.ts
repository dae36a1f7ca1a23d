/**
 * What extensions can be for other parts, besides serving pages of their own. A part looks one up by the id in its
 * config (`auth: {authenticator: basicauth/edge}`, `sending_queue: {storage: file_storage}`) with `host.extension` in
 * its `start`, and asks with these whether it is one.
 */

import type { Extension } from './contract.ts'
import type { Meta } from './meta.ts'

/**
 * What an extension of some config can be used for, so that a config is checked before anything runs. `client_auth`
 * adds secrets to requests, and gRPC carries them over TLS only; `plain_client_auth` adds what everybody may see.
 */
export type Offer = 'server_auth' | 'client_auth' | 'plain_client_auth' | 'storage'

/** A request of a sender who has yet to say who it is. */
export interface AuthRequest {
  /** The values of a header, or of gRPC metadata, in order; empty when there are none. `name` is lower-case. */
  values(name: string): readonly string[]
}

/** What is known of a sender that was let in: `username`, `subject`. The Collector's client.AuthData. */
export type Identity = ReadonlyMap<string, string>

export interface ServerAuthenticator {
  /**
   * Asked for each request before its body is read. The answer ends up in `Meta.auth`; it is the same object for the
   * same sender where that is cheap. A promise only when there is something to wait for. Throws Rejected with status
   * UNAUTHENTICATED, or Refused when it cannot tell right now; what these say is told to the sender and logged, so it
   * never quotes what the sender showed.
   */
  authenticate(request: AuthRequest): Identity | Promise<Identity>
  /** `WWW-Authenticate` of the answer to those it does not know (RFC 9110 11.6.1); undefined where no scheme fits. */
  readonly challenge?: string | undefined
}

export interface ClientAuthenticator {
  /**
   * Changes the headers of one request, whose names are lower-case, after everything else was done to them. Asked for
   * each request, so it caches tokens itself. `meta` is that of the batch that is sent. A promise only when there is
   * something to wait for, and then not after `signal`. Throws Refused when credentials cannot be had right now.
   */
  authorize(
    headers: Record<string, string>,
    meta: Meta,
    signal: AbortSignal | undefined,
  ): void | Promise<void>
  /** True: what it adds is no secret, so that gRPC without TLS may carry it. */
  readonly plainTextAllowed: boolean
  /** The server did not take these headers. True: others can be had, so one more try makes sense. */
  renew?(headers: Readonly<Record<string, string>>): boolean
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
  return has(extension, 'authorize' satisfies keyof ClientAuthenticator)
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
