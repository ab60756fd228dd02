import { LOG_LEVELS, RawJson, type Cancellation, type ClientProfile, type LogLevel, type Request } from '@signalbox/core';

/** What a running tool, resource or prompt may use of the request it answers. */
export interface ToolContext {
  /** Aborts when the caller no longer wants the answer. */
  readonly signal: AbortSignal;
  /** What the client said of itself. Never a security input. */
  readonly client: ClientProfile;
  /** Who asks, as far as their credential tells. What is kept for one principal is nobody else's. */
  readonly principal: string;
  /** Tells how far the work is, if the caller asked. `done` must grow; a report that does not is dropped. */
  progress(done: number, total?: number, message?: string): void;
  /** Sends a log message to the client, if it wants that level. `data` must be JSON and hold no secret. */
  log(level: LogLevel, data: unknown): void;
}

/** The context of one request. `logger` names the sender of its log messages. */
export function createContext(request: Request, logger: string): ToolContext {
  let signal: AbortSignal | undefined;
  let last = Number.NEGATIVE_INFINITY;
  return {
    // Most tools never look at the signal, and creating one costs more than all else here.
    get signal() {
      return (signal ??= toSignal(request.cancellation));
    },
    client: request.client,
    principal: request.principal,
    progress(done, total, message) {
      if (!request.wantsProgress || request.emit === undefined || !(done > last)) return;
      last = done;
      // The token belongs to the caller's connection, whose peer adds it.
      request.emit({
        method: 'notifications/progress',
        params: RawJson.fromValue({ progress: done, total, message }),
      });
    },
    log(level, data) {
      if (request.emit === undefined || !isWanted(level, request.client.logLevel)) return;
      request.emit({ method: 'notifications/message', params: RawJson.fromValue({ level, logger, data }) });
    },
  };
}

function toSignal(cancellation: Cancellation): AbortSignal {
  const controller = new AbortController();
  cancellation.watch((reason) => controller.abort(new DOMException(reason, 'AbortError')));
  return controller.signal;
}

function isWanted(level: LogLevel, least: LogLevel | 'off'): boolean {
  return least !== 'off' && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
}
