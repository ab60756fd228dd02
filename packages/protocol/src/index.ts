export {
  RESULT_END,
  encodeError,
  encodeNotification,
  encodeOutcome,
  encodeRequest,
  encodeResult,
  encodeResultHead,
  toParams,
  withParams,
} from './messages/encode.ts';
export { LineDecoder } from './messages/lines.ts';
export { decodeFrame, decodeStrict } from './messages/message.ts';
export type { DecodeLimits, Message, NotificationMessage, RequestId, RequestMessage, ResponseMessage } from './messages/message.ts';
export { SSE_KEEP_ALIVE, SseDecoder, encodeEvent } from './messages/sse.ts';
export type { ServerSentEvent } from './messages/sse.ts';
export type { Connection, ConnectOptions, OutgoingRequest, RequestHandler, ServerProfile } from './peers/peer.ts';
export { checkMirroredArguments } from './peers/mirrored-headers.ts';
export { toRevision } from './revisions/convert.ts';
export { HANDSHAKE_REVISIONS, META, MODERN_REVISION, REVISIONS, isHandshake, negotiateHandshake } from './revisions/revisions.ts';
export type { HandshakeRevision } from './revisions/revisions.ts';
export type { Channel } from './transports/channel.ts';
export { openMemory } from './peers/open-memory.ts';
export { openChannel } from './peers/channel-client.ts';
export type { ChannelConnectOptions } from './peers/channel-client.ts';
export { openHttp } from './peers/http-connection.ts';
export type { HttpConnectOptions } from './peers/http-connection.ts';
export { createChildGuard } from './transports/child-guard.ts';
export type { ChildGuard } from './transports/child-guard.ts';
export { createHttpServer } from './transports/http-server.ts';
export type { HttpServer, HttpServerOptions } from './transports/http-server.ts';
export { startChild } from './transports/stdio-child.ts';
export type { ChildChannel, ChildOptions } from './transports/stdio-child.ts';
export { serveStdio } from './transports/stdio-server.ts';
export type { StdioServerOptions } from './transports/stdio-server.ts';
