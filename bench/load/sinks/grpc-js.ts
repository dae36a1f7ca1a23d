/** Bare @grpc/grpc-js: a unary method over bytes that answers nothing. */

import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js'
import { arrived, listening, PORT } from './report.ts'

const same = (bytes: Buffer) => bytes
const Export = {
  path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
}
const take: handleUnaryCall<Buffer, Buffer> = (call, reply) => {
  arrived(call.request.length)
  reply(null, Buffer.alloc(0))
}

const server = new Server({ 'grpc.max_receive_message_length': 64 << 20 })
server.addService({ Export }, { Export: take })
server.bindAsync(`127.0.0.1:${PORT}`, ServerCredentials.createInsecure(), error => {
  if (error !== null) throw error
  listening()
})
