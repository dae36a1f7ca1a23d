/**
 * The tests of both doors again, with grpc-js behind the gRPC one. Those of hostile.test.ts and grpc-http2.test.ts are
 * not among them: grpc-js has fewer encodings, and reads a message to its end before anybody is asked.
 */

import { useGrpcServer } from './harness.ts'

useGrpcServer('grpc-js')
await import('./answers.test.ts')
await import('./auth.test.ts')
await import('./delivery.test.ts')
await import('./index.test.ts')
await import('./tls-reload.test.ts')
await import('./wrong-protocol.test.ts')
