/**
 * What is used of node:http, whose only importer (types apart) this file is.
 *
 * It is not imported by an `import`: that reads every export of a built-in module, and one of this module's is
 * WebSocket, for which Node loads its own copy of undici: 15 MiB of RSS for nothing.
 */

export const { createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
