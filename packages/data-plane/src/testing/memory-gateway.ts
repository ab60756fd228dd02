import {
  Cancellation,
  GatewayError,
  RawJson,
  isObject,
  parseGatewayConfig,
  silentLogger,
  systemClock,
  toOutcome,
  type AdviceSource,
  type Clock,
  type DesiredUpstream,
  type DocumentStore,
  type Embedder,
  type Journal,
  type LineLog,
  type Notification,
  type Outcome,
  type Record,
  type Request,
  type ResultOutcome,
  type Snapshot,
  type State,
} from '@signalbox/core';
import { MODERN_REVISION, openMemory, toParams, type Caller, type RequestHandler } from '@signalbox/protocol';
import { createSeal } from '@signalbox/security';
import { createAnswerCache, createMemoryCache, createMemoryDocuments } from '@signalbox/storage';
import { outcomeCodec } from '../answers/outcome-bytes.ts';
import { createDataPlane, type DataPlane } from '../data-plane.ts';
import type { LeadDocuments } from '../upstreams/led-documents.ts';
import type { Opened } from '../upstreams/open-connection.ts';

/** What a tool of a scripted server does with its arguments. */
export type Script = (args: { readonly [key: string]: unknown }, request: Request) => Outcome | Promise<Outcome>;

export interface ScriptedTool {
  readonly name: string;
  readonly inputSchema?: object;
  readonly outputSchema?: object;
  readonly annotations?: object;
  readonly run: Script;
}

/** A server in this process whose tools, start and lists a test can steer. */
export interface ScriptedServer {
  tools: ScriptedTool[];
  /** What each tool says of itself. */
  about: string | undefined;
  resources: { uri: string; name: string }[];
  prompts: { name: string }[];
  /** Answers reads of resources; without it what was asked comes back. */
  readResource: ((request: Request) => ResultOutcome) | undefined;
  /** Awaited before the connection opens; reject to fail the start. */
  start: () => Promise<void>;
  opened: number;
  closed: number;
  readonly subscriptions: Set<string>;
  /** What clients told it, and who they were. */
  readonly told: { readonly method: string; readonly params: unknown; readonly caller: Caller }[];
  emit(method: string, params?: object): void;
  /** Ends the present connection as a crash would. */
  crash(): Promise<void>;
}

export function createScriptedServer(
  tools: ScriptedTool[] = [],
): ScriptedServer & { open: (onNotification: (n: Notification) => void) => Promise<Opened> } {
  const listeners = new Set<(notification: Notification) => void>();
  let current: Opened | undefined;
  const server = {
    tools,
    about: undefined as string | undefined,
    resources: [] as { uri: string; name: string }[],
    prompts: [] as { name: string }[],
    readResource: undefined as ScriptedServer['readResource'],
    start: () => Promise.resolve(),
    opened: 0,
    closed: 0,
    subscriptions: new Set<string>(),
    told: [] as ScriptedServer['told'][number][],
    emit: (method: string, params?: object) => {
      for (const listener of listeners) listener({ method, params: params === undefined ? undefined : RawJson.fromValue(params) });
    },
    crash: async () => {
      await current?.connection.close();
      await Promise.resolve();
    },
    open: async (onNotification: (notification: Notification) => void): Promise<Opened> => {
      server.opened++;
      await server.start();
      const connection = openMemory(handler, { upstream: 'scripted', onNotification });
      void connection.closed.then(() => server.closed++);
      current = { connection, pid: undefined, stderr: () => [] };
      return current;
    },
  };
  const handler: RequestHandler = {
    describe: () => ({
      info: { name: 'scripted', version: '1' },
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {} },
      instructions: undefined,
    }),
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notify: ({ method, params }, caller) => server.told.push({ method, params: params?.value, caller }),
    subscribe: (uri) => {
      server.subscriptions.add(uri);
      return () => server.subscriptions.delete(uri);
    },
    request: (request) => {
      switch (request.method) {
        case 'tools/list':
          return resultOf({
            tools: server.tools.map(({ name, inputSchema = { type: 'object' }, outputSchema, annotations }) => ({
              name,
              inputSchema,
              ...(outputSchema === undefined ? {} : { outputSchema }),
              ...(server.about === undefined ? {} : { description: server.about }),
              ...(annotations === undefined ? {} : { annotations }),
            })),
          });
        case 'resources/list':
          return resultOf({ resources: server.resources });
        case 'resources/templates/list':
          return resultOf({ resourceTemplates: [] });
        case 'prompts/list':
          return resultOf({ prompts: server.prompts });
        case 'resources/read':
          return server.readResource?.(request) ?? echo(request);
        case 'tools/call': {
          const tool = server.tools.find(({ name }) => name === request.params.get('name')?.value);
          if (tool === undefined) throw new GatewayError('UNKNOWN_NAME', 'no such tool');
          const args = request.params.get('arguments')?.value;
          return tool.run(isObject(args) ? args : {}, request);
        }
        default:
          return echo(request);
      }
    },
  };
  return server;
}

function echo({ params }: Request): ResultOutcome {
  return resultOf({ echo: Object.fromEntries([...params].map(([name, value]) => [name, value.value])) });
}

/** A complete result in the modern form. */
export function resultOf(result: object): ResultOutcome {
  return {
    kind: 'result',
    result: RawJson.fromValue({ resultType: 'complete', ...result }),
    resultType: 'complete',
    isError: 'isError' in result && result.isError === true,
    revision: MODERN_REVISION,
  };
}

export function textOf(outcome: Outcome): string {
  if (outcome.kind === 'error') return `error ${outcome.error.code}`;
  const content = outcome.result.object?.['content'];
  return Array.isArray(content) ? content.map((part: { text?: string }) => part.text).join('\n') : '';
}

/** What a call has beside its tool and arguments. */
export interface CallExtras extends Partial<Pick<Request, 'cancellation' | 'principal' | 'client' | 'emit' | 'ask' | 'wantsProgress'>> {
  readonly meta?: object | undefined;
  readonly method?: string;
  /** Instead of the tool, its arguments and `meta`. */
  readonly params?: object;
  readonly request?: Partial<Request>;
}

/** A client at one address of a gateway in memory. */
export interface MemoryClient {
  readonly handler: RequestHandler;
  /** Methods of the notifications it has heard. */
  readonly notifications: string[];
  call(tool: string, args?: object, more?: CallExtras): Promise<Outcome>;
  list(method: string): Promise<string[]>;
}

export interface MemoryGateway extends DataPlane, MemoryClient {
  readonly records: Record[];
  readonly documents: DocumentStore;
  /** A client of a virtual server. */
  at(server: string): MemoryClient;
  /** Replaces what is wanted. Entries with equal JSON stay the same object. Other keys of the configuration stay unless given. */
  apply(servers: object, more?: object): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface MemoryGatewayOptions {
  readonly servers: { readonly [name: string]: { open: (onNotification: (n: Notification) => void) => Promise<Opened> } };
  /** Per-server options of the configuration. */
  readonly config?: { readonly [name: string]: object };
  /** Other keys of the configuration. */
  readonly more?: object;
  readonly keyLog?: LineLog;
  readonly isRegExpLinear?: boolean;
  readonly clock?: Clock;
  readonly documents?: DocumentStore;
  readonly lead?: LeadDocuments;
  /** In place of `records`. */
  readonly journal?: Journal;
  readonly sampleRatio?: number;
  readonly embedder?: Embedder;
  readonly advice?: AdviceSource;
}

/** A data plane over scripted servers. */
export async function createMemoryGateway(options: MemoryGatewayOptions): Promise<MemoryGateway> {
  const { servers, clock = systemClock, documents = createMemoryDocuments(), keyLog } = options;
  const records: Record[] = [];
  const toServers = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, { module: name, retry: { backoffMs: 1 }, ...options.config?.[name] }]));
  const { state, apply } = createTestState(toServers(Object.keys(servers)), options.more);
  const dataPlane = await createDataPlane({
    state,
    documents,
    lead: options.lead,
    keyLog,
    cache: createMemoryCache<ResultOutcome>({ maxBytes: 1_000_000, clock }),
    answers: createAnswerCache({ memoryBytes: 1_000_000, ...outcomeCodec, clock, logger: silentLogger }),
    journal: options.journal ?? { write: (record) => void records.push(record) },
    sampleRatio: options.sampleRatio,
    embedder: options.embedder,
    advice: options.advice,
    open: ({ desired, onNotification }) => servers[desired.config.module!]!.open(onNotification),
    clock,
    logger: silentLogger,
    seal: createSeal({ key: Buffer.alloc(32, 7) }),
    info: { name: 'gateway', version: '1' },
    isRegExpLinear: options.isRegExpLinear ?? false,
  });
  dataPlane.start();
  const close = () => dataPlane.close();
  return {
    ...dataPlane,
    ...createClient(dataPlane.handler),
    records,
    documents,
    at: (name) => createClient(dataPlane.server(name)!),
    apply,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createClient(handler: RequestHandler): MemoryClient {
  const notifications: string[] = [];
  handler.watch((notification) => notifications.push(notification.method));
  const request = async (method: string, params: object, more: Partial<Request> = {}): Promise<Outcome> =>
    toOutcome(
      await handler.request({
        method,
        params: toParams({ ...params }),
        client: { revision: MODERN_REVISION, info: undefined, capabilities: {}, logLevel: 'off' },
        cancellation: new Cancellation(),
        emit: undefined,
        wantsProgress: false,
        principal: 'local',
        ...more,
      }),
    );
  return {
    handler,
    notifications,
    call: (tool, args, { method = 'tools/call', params, meta, request: more, ...extras } = {}) =>
      request(method, params ?? { name: tool, arguments: args, _meta: meta }, { ...extras, ...more }),
    list: async (method) => {
      const outcome = await request(method, {});
      if (outcome.kind === 'error') throw new Error(outcome.error.message);
      const items = Object.values(outcome.result.object!).find(Array.isArray) as { name: string; uri?: string }[];
      return items.map((item) => item.uri ?? item.name);
    },
  };
}

function createTestState(servers: object, initial: object = {}): { state: State; apply: (servers: object, more?: object) => void } {
  const listeners = new Set<(next: Snapshot, previous: Snapshot) => void>();
  let more = initial;
  const build = (entries: object, previous?: Snapshot): Snapshot => {
    const config = parseGatewayConfig({ ...more, mcpServers: entries });
    const upstreams = new Map<string, DesiredUpstream>();
    for (const [name, entry] of Object.entries(config.mcpServers)) {
      const before = previous?.upstreams.get(name);
      upstreams.set(
        name,
        before !== undefined && JSON.stringify(before.config) === JSON.stringify(entry) ? before : { name, config: entry, generation: 0 },
      );
    }
    return { version: (previous?.version ?? 0) + 1, config, upstreams };
  };
  let current = build(servers);
  return {
    state: {
      get current() {
        return current;
      },
      watch: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    apply: (entries, next = more) => {
      more = next;
      const previous = current;
      current = build(entries, previous);
      for (const listener of listeners) listener(current, previous);
    },
  };
}
