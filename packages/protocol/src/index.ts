export { joinParams, splitParams, toParams, withParams } from './messages/encode.ts';
export { changedExactly, readElements, readMember, withMember, withoutMember } from './messages/members.ts';
export { canonicalText } from './messages/canonical-text.ts';
export { Scanner } from './messages/scan.ts';
export type {
  Caller,
  ChangeListening,
  Connection,
  ConnectOptions,
  OutgoingRequest,
  RequestHandler,
  ServerProfile,
  TaskWish,
} from './peers/peer.ts';
export { askableCapabilities, canBeAsked } from './peers/capabilities.ts';
export { explainHeaderMarks } from './peers/header-marks.ts';
export { checkMirroredArguments } from './peers/mirrored-headers.ts';
export { HANDSHAKE_REVISIONS, MODERN_REVISION, isHandshake, knowsResourceLinks } from './revisions/revisions.ts';
export { openMemory } from './peers/open-memory.ts';
export { openChannel } from './peers/channel-client.ts';
export type { ChannelConnectOptions } from './peers/channel-client.ts';
export { openHttp } from './peers/http-connection.ts';
export type { HttpConnectOptions } from './peers/http-connection.ts';
export { openHttpOrLegacySse, openLegacySse } from './peers/open-legacy-sse.ts';
export { openWebSocket } from './peers/open-web-socket.ts';
export type { WebSocketConnectOptions } from './peers/open-web-socket.ts';
export { createChildGuard } from './transports/child-guard.ts';
export type { ChildGuard } from './transports/child-guard.ts';
export type { HandlersByPath } from './transports/http-endpoints.ts';
export { homeOf } from './transports/homes.ts';
export type { Homes, MovedConnection, PassedRequest } from './transports/homes.ts';
export { removePairsOf } from './transports/socket-pair.ts';
export { acceptLast, type Listener } from './transports/accept-last.ts';
export { createHttpServer } from './transports/http-server.ts';
export type { HttpServer, HttpServerOptions } from './transports/http-server.ts';
export { startChild } from './transports/stdio-child.ts';
export type { ChildChannel, ChildOptions } from './transports/stdio-child.ts';
export { serveStdio } from './transports/stdio-server.ts';
export type { StdioServerOptions } from './transports/stdio-server.ts';
export { mayBeTask, planTaskCall, toCoreTool } from './tasks/task-calls.ts';
export { crossCreatedTask, crossTask, writeTaskList } from './tasks/task-crossing.ts';
export {
  changeTaskId,
  changeTaskIdAround,
  changeTaskIdIn,
  readCreatedTask,
  readTask,
  readTaskNotification,
  taskOfMessage,
} from './tasks/task-ids.ts';
export type { IdChange, TaskState } from './tasks/task-ids.ts';
export { createdKeptTask, keptTaskResult, keptTaskState } from './tasks/kept-task.ts';
export type { KeptTask } from './tasks/kept-task.ts';
export { TASKS_EXTENSION, checkTaskMethod, clientTaskForm, serverTaskForm } from './tasks/task-support.ts';
export type { TaskForm } from './tasks/task-support.ts';
