/** Which parser reads a page: its Content-Type says, or else the fallback. */

import { ClassicParser } from './classic.ts'
import { CollectingParser } from './collecting.ts'
import { OpenMetricsParser } from './openmetrics.ts'
import { BadPage, type PageParser } from './page.ts'
import { type ProtoOptions, ProtoParser } from './proto.ts'

const TEXT = 'text/plain'
const OPEN = 'application/openmetrics-text'
const PROTO = 'application/vnd.google.protobuf'

/** What `scrape_protocols` may name, and what a target is told of each. */
export const SCRAPE_PROTOCOLS = {
  PrometheusProto: `${PROTO};proto=io.prometheus.client.MetricFamily;encoding=delimited`,
  'PrometheusText0.0.4': `${TEXT};version=0.0.4`,
  'PrometheusText1.0.0': `${TEXT};version=1.0.0`,
  'OpenMetricsText0.0.1': `${OPEN};version=0.0.1`,
  'OpenMetricsText1.0.0': `${OPEN};version=1.0.0`,
} as const
export type ScrapeProtocol = keyof typeof SCRAPE_PROTOCOLS

export type ParseOptions = ProtoOptions & { readonly fallback: ScrapeProtocol }

/** Throws BadPage as soon as it is read. */
export function parserFor(bytes: Uint8Array, contentType: string, options: ParseOptions): PageParser {
  switch (mediaType(contentType, options.fallback)) {
    case PROTO:
      return new ProtoParser(bytes, options)
    case OPEN:
      return collected(new OpenMetricsParser(bytes), options)
    default:
      return collected(new ClassicParser(bytes), options)
  }
}

function collected(parser: PageParser, { custom, classic }: ParseOptions): PageParser {
  return custom ? new CollectingParser(parser, classic) : parser
}

function mediaType(contentType: string, fallback: ScrapeProtocol): string {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
  return type === TEXT || type === OPEN || type === PROTO
    ? type
    : SCRAPE_PROTOCOLS[fallback].split(';', 1)[0]!
}

export { BadPage }
