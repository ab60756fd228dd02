import {
  Cancellation,
  RawJson,
  parseGatewayConfig,
  silentLogger,
  type CallerSession,
  type ClientProfile,
  type Outcome,
} from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { TaskMessage } from '../tasks/task-messages.ts';
import { createTestClock } from './test-clock.ts';
import { IsolatedConnections } from '../upstreams/isolated-connections.ts';
import type { OpenOptions } from '../upstreams/open-connection.ts';

const client: ClientProfile = { revision: '2025-11-25', info: undefined, capabilities: { elicitation: {} }, logLevel: 'off' };
const answered: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({ action: 'cancel' }),
  resultType: 'complete',
  isError: false,
  revision: '2025-11-25',
};

/** A session that answers whatever it is asked. */
export function createSession(id: string) {
  const asked: unknown[] = [];
  const told: string[] = [];
  const session: CallerSession = {
    id,
    client,
    ask: ({ params }) => {
      asked.push(params?.value);
      return Promise.resolve(answered);
    },
    notify: ({ method }) => told.push(method),
    watchEnd: () => () => undefined,
  };
  return { session, asked, told };
}

/** Connections for single clients of an upstream that is not there: what would open them is told what for. */
export function startIsolated(entry: object = { command: 'server' }) {
  const clock = createTestClock();
  const opened: OpenOptions[] = [];
  const messages: TaskMessage[] = [];
  const config = parseGatewayConfig({ mcpServers: { up: { isolation: { idleSeconds: 60 }, ...entry } } }).mcpServers['up']!;
  const isolated = new IsolatedConnections(
    { name: 'up', config, generation: 0 },
    {
      open: (options) => {
        opened.push(options);
        const connection = { closed: new Promise<string>(() => undefined), close: () => Promise.resolve(), isCorrelated: false };
        return Promise.resolve({ connection: connection as unknown as Connection, pid: undefined, stderr: () => [] });
      },
      tasks: { take: (_upstream, message) => messages.push(message), name: (_upstream, id) => `ours of ${id}` },
      clock,
      startPermit: () => Promise.resolve(() => undefined),
      listing: { upstream: 'up', listMs: 1_000 },
      onOwnLists: () => undefined,
    },
    silentLogger,
  );
  const callOf = (session: CallerSession | undefined, taskId?: string): TargetedCall =>
    ({
      client,
      principal: 'alice',
      session,
      ask: () => Promise.resolve(answered),
      cancellation: new Cancellation(),
      task: taskId === undefined ? undefined : { ref: { upstream: 'up', id: taskId }, publicId: 'x' },
    }) as unknown as TargetedCall;
  return { clock, opened, messages, isolated, callOf };
}
