import { GatewayError, RawJson, type Awaitable, type Notification, type Outcome, type Request } from '@signalbox/core';
import type { Caller, RequestHandler, ServerProfile } from '../peers/peer.ts';

/** A result as a server of either generation gives it. */
export function resultOf(value: unknown, revision = '2025-11-25'): Outcome {
  return { kind: 'result', result: RawJson.fromValue(value), resultType: 'complete', isError: false, revision };
}

const PROFILE: ServerProfile = {
  info: { name: 'test-server', version: '1.2.3' },
  capabilities: { tools: { listChanged: true }, prompts: {}, resources: { listChanged: true, subscribe: true }, logging: {} },
  instructions: 'Use with care',
};

const TOOLS = [{ name: 'echo', description: 'Says it again', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }];

/** A small server: `echo` answers at once, `count` reports progress, `hang` waits for its cancellation, `later` for `release`. */
export interface TestHandler extends RequestHandler {
  readonly requests: Request[];
  readonly notifications: Notification[];
  /** Whose they were. */
  readonly speakers: Caller[];
  /** Resource addresses somebody wants to hear of, once for each wish. */
  readonly wishes: string[];
  /** Reasons of the calls of `hang` that were cancelled. */
  readonly cancelled: string[];
  readonly watchers: number;
  publish(method: string, params?: unknown): void;
  /** Lets the calls of `later` answer. */
  release(): void;
}

export function createTestHandler(answer: (request: Request) => Awaitable<Outcome> | undefined = () => undefined): TestHandler {
  const requests: Request[] = [];
  const notifications: Notification[] = [];
  const speakers: Caller[] = [];
  const wishes: string[] = [];
  const cancelled: string[] = [];
  const listeners = new Set<(notification: Notification) => void>();
  const waiting: (() => void)[] = [];

  const call = (request: Request): Awaitable<Outcome> => {
    const { name, arguments: args } = Object.fromEntries([...request.params].map(([key, raw]) => [key, raw.value]));
    const text = resultOf({ content: [{ type: 'text', text: JSON.stringify(args) }] });
    switch (name) {
      case 'echo':
        return text;
      case 'count':
        return countTo3(request, text);
      case 'later':
        return new Promise((resolve) => waiting.push(() => resolve(text)));
      case 'hang':
        return new Promise((resolve) => {
          request.cancellation.watch((reason) => {
            cancelled.push(reason);
            resolve(text);
          });
        });
      default:
        throw new GatewayError('UNKNOWN_NAME', `Cannot find the tool "${String(name)}"`);
    }
  };

  return {
    requests,
    notifications,
    speakers,
    wishes,
    cancelled,
    get watchers() {
      return listeners.size;
    },
    describe: () => PROFILE,
    request: (request) => {
      requests.push(request);
      const own = answer(request);
      if (own !== undefined) return own;
      if (request.method === 'tools/list') return resultOf({ tools: TOOLS });
      if (request.method === 'tools/call') return call(request);
      if (request.method === 'resources/read') throw new GatewayError('RESOURCE_NOT_FOUND', 'Cannot find the resource');
      throw new GatewayError('METHOD_NOT_FOUND', `Cannot find the method "${request.method}"`);
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    subscribe: (uri) => {
      wishes.push(uri);
      return () => wishes.splice(wishes.indexOf(uri), 1);
    },
    notify: (notification, caller) => {
      notifications.push(notification);
      speakers.push(caller);
    },
    publish: (method, params) => {
      for (const listener of listeners) listener({ method, params: params === undefined ? undefined : RawJson.fromValue(params) });
    },
    release: () => {
      for (const run of waiting.splice(0)) run();
    },
  };
}

async function countTo3(request: Request, text: Outcome): Promise<Outcome> {
  for (const progress of [1, 2, 3]) {
    await Promise.resolve();
    request.emit?.({
      method: 'notifications/progress',
      params: RawJson.fromValue({ progressToken: 'of-the-upstream', progress, total: 3 }),
    });
    request.emit?.({
      method: 'notifications/message',
      params: RawJson.fromValue({ level: progress === 3 ? 'error' : 'info', data: progress }),
    });
  }
  return text;
}
