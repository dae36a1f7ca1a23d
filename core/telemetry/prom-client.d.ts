/** The package's main file also loads its metric classes, node:cluster and @opentelemetry/api; this is the registry alone. */
declare module 'prom-client/lib/registry.js' {
  export { Registry as default } from 'prom-client'
}
