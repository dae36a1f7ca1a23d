/** The extensions that components name: is each there, does it run, and is it of use for what it is named for? */

import type { Check, Reference } from '../config/node.ts'
import { didYouMean } from '../config/suggest.ts'
import type { Factory } from '../core/component/contract.ts'
import type { Offer } from '../core/component/extensions.ts'
import type { ComponentConfig, Reference as Listed, PipelineConfig } from './gateway-config.ts'
import { parseComponentId } from './ids.ts'
import { KINDS } from './kinds.ts'
import type { AllComponents } from './read-pipelines.ts'

/** What is missing, and for whom one would look for it. */
const WANTED: Readonly<Record<Offer, { readonly cannot: string; readonly offer: Offer }>> = {
  server_auth: { cannot: 'does not check who sends', offer: 'server_auth' },
  client_auth: { cannot: 'does not add credentials to requests', offer: 'client_auth' },
  plain_client_auth: {
    cannot: 'adds secrets to requests, which gRPC does not send without TLS',
    offer: 'client_auth',
  },
  storage: { cannot: 'does not keep queues', offer: 'storage' },
}

/**
 * Mistakes of components that no pipeline uses are warnings: such a component never runs. `service` is what stands
 * under service.
 */
export function checkReferences(
  components: AllComponents,
  service: { readonly extensions: readonly Listed[]; readonly pipelines: readonly PipelineConfig[] },
  check: Check,
): void {
  const running = new Set(service.extensions.map(({ id }) => id))
  for (const kind of KINDS) {
    for (const component of components[kind].read.values()) {
      const used = kind === 'extension' ? running.has(component.id) : isUsed(component.id, service.pipelines)
      const seen = new Set<string>()
      for (const reference of component.references) {
        const problem = problemOf(reference, components, running)
        // A second wish for the same extension would say the same again.
        if (problem === undefined || seen.has(reference.id)) continue
        seen.add(reference.id)
        check[used ? 'error' : 'warn'](reference.at, reference.path, ...problem)
      }
    }
  }
}

function isUsed(id: string, pipelines: readonly PipelineConfig[]): boolean {
  return pipelines.some(({ receivers, processors, exporters }) =>
    [receivers, processors, exporters].some(list => list.some(one => one.id === id)),
  )
}

function problemOf(
  { id: written, wants }: Reference,
  { extension: { written: known, read } }: AllComponents,
  running: ReadonlySet<string>,
): readonly [wrong: string, fix: string] | undefined {
  const parsed = parseComponentId(written)
  if ('wrong' in parsed) return [parsed.wrong, parsed.fix]
  const { id } = parsed
  const { cannot, offer } = WANTED[wants as Offer]
  const fit = [...read.values()].filter(one => offersOf(one).includes(offer)).map(one => one.id)
  if (!known.has(id)) {
    const candidates = fit.length > 0 ? fit : [...known.keys()]
    return [
      `there is no extension ${id}`,
      didYouMean(id, candidates) || `write ${id}: below extensions, and list it under service::extensions`,
    ]
  }
  const found = read.get(id)
  if (found !== undefined && !offersOf(found).includes(wants as Offer)) {
    if (wants === 'plain_client_auth' && offersOf(found).includes('client_auth'))
      return [`${id} ${cannot}`, 'remove insecure: true below tls:, or send over HTTP']
    const others = fit.filter(one => one !== id).join(', ')
    return [`${id} ${cannot}`, others === '' ? '' : `these do: ${others}`]
  }
  if (!running.has(id)) return [`${id} is configured but does not run`, `add it to service::extensions`]
  return undefined
}

function offersOf({ factory, config }: ComponentConfig<Factory>): readonly Offer[] {
  return factory.kind === 'extension' ? (factory.offers?.(config) ?? []) : []
}
