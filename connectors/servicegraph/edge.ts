/** One request between two services, of which one side may not be known yet. */

export type ConnectionType = '' | 'messaging_system' | 'database' | 'virtual_node'

/** What an edge takes besides its texts, about. */
const FIXED_BYTES = 256

/** Used again and again: there is one for each slot of the store. */
export class Edge {
  clientService: string
  serverService: string
  clientSeconds: number
  serverSeconds: number
  connectionType: ConnectionType
  /** Either side says that it failed. */
  failed: boolean
  /** Who was asked, by an attribute of the client. */
  peer: string | undefined
  /** Which side sent no span. */
  virtualNode: '' | 'client' | 'server'
  /** Values of the configured dimensions: those of the client, then those of the server. */
  readonly dimensions: (string | undefined)[]
  /** How many spans it was made of: more than two when some came twice. */
  spans: number
  /** As it was counted into the store. */
  byteLength: number

  /** `dimensions`: how many there are for each side. */
  constructor(dimensions: number) {
    this.clientService = this.serverService = ''
    this.clientSeconds = this.serverSeconds = 0
    this.connectionType = ''
    this.failed = false
    this.peer = undefined
    this.virtualNode = ''
    this.dimensions = new Array<string | undefined>(dimensions * 2).fill(undefined)
    this.spans = 0
    this.byteLength = 0
  }

  clear(): void {
    this.clientService = this.serverService = ''
    this.clientSeconds = this.serverSeconds = 0
    this.connectionType = ''
    this.failed = false
    this.peer = undefined
    this.virtualNode = ''
    this.dimensions.fill(undefined)
    this.spans = 0
    this.byteLength = 0
  }

  get isComplete(): boolean {
    return this.clientService !== '' && this.serverService !== ''
  }

  measure(): number {
    let letters = this.clientService.length + this.serverService.length + (this.peer?.length ?? 0)
    for (const value of this.dimensions) letters += value?.length ?? 0
    return FIXED_BYTES + 2 * letters
  }
}
