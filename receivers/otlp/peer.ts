/**
 * Who sent a request, and what its headers said: the Collector's client.Info (config/confighttp clientinfohandler.go,
 * config/configgrpc contextWithClient). Without `include_metadata` one frozen Meta serves a whole connection.
 */

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Identity } from '../../core/component/extensions.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'

const metaOfSocket = new WeakMap<Socket, Meta>()

function peerMeta(address: string): Meta {
  return Object.freeze({ ...NO_META, address })
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return ''
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

/** The same sender, who has said who it is. */
export function identified(meta: Meta, auth: Identity | undefined): Meta {
  return auth === undefined || auth.size === 0 ? meta : Object.freeze({ ...meta, auth })
}

/** What is known of everything that comes over this socket. */
export function socketMeta(socket: Socket): Meta {
  return peerMeta(addressOf(socket))
}

export function httpMeta(request: IncomingMessage, includeMetadata: boolean): Meta {
  const { socket } = request
  let meta = metaOfSocket.get(socket)
  if (meta === undefined) {
    meta = socketMeta(socket)
    metaOfSocket.set(socket, meta)
  }
  if (!includeMetadata) return meta
  const metadata = new Map<string, readonly string[]>()
  for (const [name, values] of Object.entries(request.headersDistinct)) metadata.set(name, values!)
  return Object.freeze({ ...meta, metadata })
}

/** `values` of the request's metadata; `:authority` is kept under `host` as well, so that both transports have it. */
export function grpcMeta(
  address: string,
  authority: string,
  values: ReadonlyMap<string, readonly string[]> | undefined,
): Meta {
  if (values === undefined) return peerMeta(address)
  const metadata = new Map(values)
  metadata.set(':authority', [authority])
  if (!metadata.has('host')) metadata.set('host', [authority])
  return Object.freeze({ ...NO_META, address, metadata })
}
