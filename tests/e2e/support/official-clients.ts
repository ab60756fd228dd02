import * as current from '@modelcontextprotocol/client';
import { StdioClientTransport as CurrentStdio } from '@modelcontextprotocol/client/stdio';
import { Client as EarlierClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as EarlierStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as EarlierHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

/** The clients of the protocol's own project, in every way they negotiate. */
export const OFFICIAL_CLIENTS = ['sdk', 'client legacy', 'client auto', 'client modern'] as const;
export type OfficialClientKind = (typeof OFFICIAL_CLIENTS)[number];

/** An address, or a program to start. */
export type Target = string | { readonly command: string; readonly args: string[]; readonly env?: Record<string, string> };

/** What both generations of the official client can do, with one way to ask for it. */
export interface OfficialClient extends AsyncDisposable {
  /** Revision the two sides agreed on. */
  readonly revision: string | undefined;
  /** What the server has sent on its own so far. */
  readonly heard: { readonly logs: unknown[]; readonly updated: string[]; toolListChanges: number };
  tools(): Promise<string[]>;
  call(
    name: string,
    args?: Record<string, unknown>,
    onprogress?: (progress: { progress: number }) => void,
    meta?: Meta,
  ): Promise<ToolAnswer>;
  prompts(): Promise<string[]>;
  prompt(name: string, args: Record<string, string>): Promise<string>;
  resources(): Promise<string[]>;
  templates(): Promise<string[]>;
  read(uri: string): Promise<string>;
  complete(prompt: string, argument: { name: string; value: string }): Promise<string[]>;
  completeTemplate(uri: string, argument: { name: string; value: string }): Promise<string[]>;
  /** Only in handshake revisions. */
  ping(): Promise<unknown>;
  /** Only in handshake revisions; the modern one asks with each request. */
  setLogLevel(level: 'debug'): Promise<unknown>;
  /** Follows a resource the way its revision does it. Returns how to stop. */
  follow(uri: string): Promise<() => Promise<unknown>>;
}

type Meta = Readonly<Record<string, unknown>>;

export interface ToolAnswer {
  readonly text: string;
  readonly structured: unknown;
  readonly isError: boolean;
  readonly meta: Meta;
  /** The blocks as they came. */
  readonly content: readonly Record<string, unknown>[];
}

/** Connects one of the official clients. Whoever opens it closes it, best with `await using`. */
export async function openOfficialClient(
  kind: OfficialClientKind,
  target: Target,
  headers: Record<string, string> = {},
): Promise<OfficialClient> {
  const client = kind === 'sdk' ? await openEarlier(target, headers) : await openCurrent(kind, target, headers);
  const isModern = client.revision === '2026-07-28';
  // The modern revision has no level for a whole connection: each request says what it wants to hear of.
  const level = isModern ? { 'io.modelcontextprotocol/logLevel': 'debug' } : {};
  return {
    revision: client.revision,
    heard: client.heard,
    tools: async () => (await client.it.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}, onprogress, meta = {}) =>
      toAnswer(await client.call({ name, arguments: args, _meta: { ...level, ...meta } }, onprogress ? { onprogress } : {})),
    prompts: async () => (await client.it.listPrompts()).prompts.map(({ name }) => name),
    prompt: async (name, args) => textOf((await client.it.getPrompt({ name, arguments: args })).messages.map(({ content }) => content)),
    resources: async () => (await client.it.listResources()).resources.map(({ uri }) => uri),
    templates: async () => (await client.it.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    read: async (uri) =>
      (await client.it.readResource({ uri })).contents.map((content) => ('text' in content ? content.text : '')).join('\n'),
    complete: async (name, argument) => (await client.it.complete({ ref: { type: 'ref/prompt', name }, argument })).completion.values,
    completeTemplate: async (uri, argument) =>
      (await client.it.complete({ ref: { type: 'ref/resource', uri }, argument })).completion.values,
    ping: () => client.it.ping(),
    setLogLevel: (level) => client.it.setLoggingLevel(level),
    follow: async (uri) => {
      if (isModern) return client.listen(uri);
      await client.it.subscribeResource({ uri });
      return () => client.it.unsubscribeResource({ uri });
    },
    [Symbol.asyncDispose]: () => client.it.close(),
  };
}

type CallParams = Parameters<current.Client['callTool']>[0];
type CallOptions = { readonly onprogress?: (progress: { progress: number }) => void };

interface Opened {
  readonly it: current.Client | EarlierClient;
  readonly revision: string | undefined;
  readonly heard: OfficialClient['heard'];
  /** The two generations differ in where the options of a call stand. */
  call(params: CallParams, options: CallOptions): Promise<Record<string, unknown>>;
  /** Follows a resource in the modern revision. */
  listen(uri: string): Promise<() => Promise<unknown>>;
}

async function openCurrent(kind: OfficialClientKind, target: Target, headers: Record<string, string>): Promise<Opened> {
  const mode = kind === 'client auto' ? 'auto' : kind === 'client modern' ? { pin: '2026-07-28' } : 'legacy';
  const heard: Opened['heard'] = { logs: [], updated: [], toolListChanges: 0 };
  const listChanged = { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => void heard.toolListChanges++ } };
  const it = new current.Client({ name: 'e2e', version: '1.0.0' }, { versionNegotiation: { mode }, listChanged });
  it.setNotificationHandler('notifications/message', ({ params }) => void heard.logs.push(params));
  it.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.updated.push(params.uri));
  await it.connect(
    typeof target === 'string'
      ? new current.StreamableHTTPClientTransport(new URL(target), { requestInit: { headers } })
      : new CurrentStdio({ ...target, stderr: 'ignore' }),
  );
  return {
    it,
    revision: it.getNegotiatedProtocolVersion(),
    heard,
    call: (params, options) => it.callTool(params, options),
    listen: async (uri) => {
      const subscription = await it.listen({ resourceSubscriptions: [uri] });
      return () => subscription.close();
    },
  };
}

async function openEarlier(target: Target, headers: Record<string, string>): Promise<Opened> {
  const heard: Opened['heard'] = { logs: [], updated: [], toolListChanges: 0 };
  const it = new EarlierClient({ name: 'e2e', version: '1.0.0' });
  it.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.logs.push(params));
  it.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.updated.push(params.uri));
  it.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.toolListChanges++);
  const transport =
    typeof target === 'string'
      ? new EarlierHttp(new URL(target), { requestInit: { headers } })
      : new EarlierStdio({ ...target, stderr: 'ignore' });
  let revision: string | undefined;
  // The client tells its transport what was agreed on, and nobody else.
  const told = Object.assign(transport, { setProtocolVersion: observe(transport, (version) => (revision = version)) });
  await it.connect(told as Parameters<EarlierClient['connect']>[0]);
  return {
    it,
    revision,
    heard,
    call: (params, options) => it.callTool(params as Parameters<EarlierClient['callTool']>[0], undefined, options),
    listen: () => Promise.reject(new Error('This client speaks no modern revision')),
  };
}

function observe(transport: EarlierStdio | EarlierHttp, tell: (version: string) => void): (version: string) => void {
  const original = 'setProtocolVersion' in transport ? transport.setProtocolVersion.bind(transport) : undefined;
  return (version) => {
    tell(version);
    original?.(version);
  };
}

function toAnswer({ content, structuredContent, isError, _meta }: Record<string, unknown>): ToolAnswer {
  const blocks = content as readonly Record<string, unknown>[];
  return { text: textOf(blocks), structured: structuredContent, isError: isError === true, meta: (_meta ?? {}) as Meta, content: blocks };
}

function textOf(blocks: readonly unknown[]): string {
  return blocks.map((block) => (block as { readonly text?: string }).text ?? '').join('\n');
}
