import {
  Cancellation,
  GatewayError,
  toOutcome,
  type CallerSession,
  type ClientProfile,
  type Notification,
  type Outcome,
  type Question,
  type Request,
} from '@signalbox/core';
import { toParams, type RequestHandler } from '@signalbox/protocol';
import { createMemoryGateway, type MemoryGateway } from './memory-gateway.ts';
import type { TaskServer } from './task-server.ts';

type Json = Record<string, unknown>;

const TASKS = { 'io.modelcontextprotocol/tasks': {} };

/** A client of the extension, and one of the core. */
export const MODERN: ClientProfile = { revision: '2026-07-28', info: undefined, capabilities: { extensions: TASKS }, logLevel: 'off' };
export const CORE: ClientProfile = { revision: '2025-11-25', info: undefined, capabilities: {}, logLevel: 'debug' };

/** A client of either generation, as the peers show it to the data plane. */
export class TaskClient {
  readonly heard: Notification[] = [];
  readonly session: CallerSession | undefined;
  readonly #handler: RequestHandler;
  readonly #profile: ClientProfile;
  readonly #principal: string;
  readonly #ends = new Set<() => void>();
  /** Answers questions; without it the client cannot be asked. */
  answer: ((question: Question) => Json) | undefined;

  constructor(
    handler: RequestHandler,
    profile: ClientProfile,
    { principal = 'local', session }: { principal?: string; session?: string } = {},
  ) {
    this.#handler = handler;
    this.#profile = profile;
    this.#principal = principal;
    if (session === undefined) return;
    this.session = {
      id: session,
      client: profile,
      ask: () => Promise.reject(new GatewayError('MISSING_CAPABILITY', 'not outside of calls')),
      notify: (notification) => this.heard.push(notification),
      watchEnd: (listener) => {
        this.#ends.add(listener);
        return () => this.#ends.delete(listener);
      },
    };
  }

  end(): void {
    for (const listener of this.#ends) listener();
  }

  async send(method: string, params: Json = {}, more: Partial<Request> = {}): Promise<Outcome> {
    const { answer } = this;
    return toOutcome(
      await this.#handler.request({
        method,
        params: toParams({ ...params, ...(this.#profile.revision === MODERN.revision && { _meta: metaOf(this.#profile) }) }),
        client: this.#profile,
        principal: this.#principal,
        session: this.session,
        ask: answer && ((question) => Promise.resolve(resultOf(answer(question)))),
        cancellation: new Cancellation(),
        emit: (notification) => this.heard.push(notification),
        wantsProgress: false,
        ...more,
      }),
    );
  }

  /** The result of a request, which must not be refused. */
  async ask(method: string, params: Json = {}, more: Partial<Request> = {}): Promise<Json> {
    const outcome = await this.send(method, params, more);
    if (outcome.kind === 'error') throw new Error(`${outcome.error.code} ${outcome.error.message}`);
    return outcome.result.object as Json;
  }

  /** Calls the tool so that it becomes a task, and returns the task. */
  async begin(name = 'work'): Promise<Json> {
    const isCore = this.#profile.revision === CORE.revision;
    const result = await this.ask('tools/call', { name, arguments: {}, ...(isCore && { task: { ttl: 60_000 } }) });
    return isCore ? (result['task'] as Json) : result;
  }
}

function metaOf({ revision, capabilities }: ClientProfile): Json {
  return { 'io.modelcontextprotocol/protocolVersion': revision, 'io.modelcontextprotocol/clientCapabilities': capabilities };
}

function resultOf(result: Json): Outcome {
  return { kind: 'result', result: toParams({ it: result }).get('it')!, resultType: 'complete', isError: false, revision: '2025-11-25' };
}

/** A gateway in front of one task server named `up`, whose list is known. */
export async function startTaskGateway(server: TaskServer, config: object = {}): Promise<MemoryGateway> {
  const gateway = await createMemoryGateway({ servers: { up: server }, config: { up: config } });
  await gateway.list('tools/list');
  return gateway;
}
