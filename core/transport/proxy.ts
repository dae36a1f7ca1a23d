/**
 * Which proxy a client goes through, by Go's rules (golang.org/x/net/http/httpproxy): HTTP_PROXY for http, HTTPS_PROXY
 * for https and gRPC, NO_PROXY with names, domains, addresses, networks and ports; never for this machine itself.
 */

import { BlockList, isIP } from 'node:net'

type Environment = Readonly<Record<string, string | undefined>>

function written(env: Environment, name: string): string {
  return env[name] || env[name.toLowerCase()] || ''
}

/** The proxy for a server, or undefined. Throws an Error when the variable holds no address of one. */
export function proxyFromEnvironment(
  protocol: 'http:' | 'https:',
  hostname: string,
  port: number,
  env: Environment = process.env,
): URL | undefined {
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = written(env, name)
  if (value === '' || isExempt(hostname, port, written(env, 'NO_PROXY'))) return undefined
  const url = /^[a-z0-9+.-]+:\/\//i.test(value) ? value : `http://${value}`
  if (!URL.canParse(url)) throw new Error(`${name} is not the address of a proxy; write http://host:port`)
  return new URL(url)
}

function isExempt(hostname: string, port: number, noProxy: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '')
  if (host === 'localhost') return true
  const family = isIP(host)
  if (family !== 0 && isLoopback(host, family)) return true
  return noProxy
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .some(entry => entry !== '' && covers(entry, host, family, port))
}

function isLoopback(host: string, family: number): boolean {
  return family === 4 ? host.startsWith('127.') : host === '::1'
}

function covers(entry: string, host: string, family: number, port: number): boolean {
  if (entry === '*') return true
  const network = /^(.+)\/(\d{1,3})$/.exec(entry)
  if (network !== null) return family !== 0 && inNetwork(network[1]!, Number(network[2]), host, family)
  const [, name, only] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? [entry, entry, undefined]
  if (only !== undefined && Number(only) !== port) return false
  const wanted = name!.replace(/^\[|\]$/g, '')
  if (family !== 0 || isIP(wanted) !== 0) return wanted === host
  const domain = wanted.replace(/^\*?\./, '')
  // "example.com" is the name and what is below it, ".example.com" only what is below.
  return host.endsWith(`.${domain}`) || (domain === wanted && host === domain)
}

function inNetwork(base: string, bits: number, host: string, family: number): boolean {
  if (isIP(base) !== family || bits > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(base, bits, kind)
  return list.check(host, kind)
}

/** What a proxy with a user and a password in its address is to be told; undefined without. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === '') return undefined
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}
