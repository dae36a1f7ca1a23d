/** The keys of extensions that serve pages of the gateway itself: the Collector's confighttp.ServerConfig (0.155). */

import { optional, type Schema, text } from '../../config/schema.ts'
import { httpServerAuth } from '../component/auth-config.ts'
import { endpointProblem } from './endpoint.ts'
import { serverTls } from './tls.ts'

/** `endpoint` alone, for servers that have nothing else. */
export function endpointField(endpoint: string): Schema<string> {
  return text({ default: endpoint, doc: 'Where it listens, as host:port.', check: endpointProblem })
}

export function adminFields(endpoint: string) {
  return {
    endpoint: endpointField(endpoint),
    tls: optional(serverTls, { empty: 'off' }),
    auth: httpServerAuth,
  }
}

const BOUNDED = 'requests to these pages are small and bounded already'

/** Taken without an effect, with a warning that says why. */
export const ADMIN_IGNORED: Readonly<Record<string, string>> = {
  transport: 'these pages are served over tcp',
  dialer: 'a server dials nobody',
  cors: 'browsers of other sites cannot read these pages',
  max_request_body_size: BOUNDED,
  include_metadata: 'these pages keep nothing of a request',
  response_headers: 'these pages have the headers they need',
  compression_algorithms: BOUNDED,
  read_timeout: BOUNDED,
  read_header_timeout: BOUNDED,
  write_timeout: BOUNDED,
  idle_timeout: BOUNDED,
  keep_alives_enabled: BOUNDED,
  middlewares: 'these pages take no middlewares',
}
