import {
  Cancellation,
  GatewayError,
  LOCAL_PRINCIPAL,
  RawJson,
  toOutcome,
  type ClientProfile,
  type LogLevel,
  type Logger,
  type Notification,
  type Outcome,
  type ToolDefinition,
} from '@signalbox/core';
import { MODERN_REVISION, toParams } from '@signalbox/protocol';
import type { ModuleSource } from './module.ts';
import { createModuleHandler } from './module-handler.ts';
import type { PromptReply } from './prompt.ts';
import type { ResourceContents } from './resource.ts';
import type { ContentBlock } from './tool-result.ts';

export interface TestOptions {
  /** Configuration for modules that take one. */
  readonly config?: unknown;
  /** What the client says of itself. Default: a modern client that wants every log message. */
  readonly client?: Partial<ClientProfile>;
  /** Learns of tools that failed for reasons their callers are not told. */
  readonly logger?: Logger;
}

/** A tool's answer, with its parts at hand. */
export interface TestedAnswer {
  readonly content: readonly ContentBlock[];
  readonly structured: unknown;
  readonly isError: boolean;
  /** All text in the content, one line per block. */
  readonly text: string;
}

export interface TestedProgress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

export interface TestedLog {
  readonly level: LogLevel;
  readonly logger: string;
  readonly data: unknown;
}

/** A module running in memory. Close it when done, or hold it with `await using`. */
export interface TestedModule {
  list(): Promise<readonly ToolDefinition[]>;
  /** @throws GatewayError when the module refuses, for example `UNKNOWN_NAME`. A tool that fails is an answer. */
  call(name: string, args?: Readonly<Record<string, unknown>>, options?: { readonly signal?: AbortSignal }): Promise<TestedAnswer>;
  read(uri: string): Promise<ResourceContents['contents']>;
  prompt(name: string, args?: Readonly<Record<string, string>>): Promise<PromptReply>;
  /** Progress reported so far, by all calls. */
  readonly progress: readonly TestedProgress[];
  /** Log messages sent so far, by all calls. */
  readonly logs: readonly TestedLog[];
  /** Methods of the notifications that belong to no call, such as `notifications/tools/list_changed`. */
  readonly changes: readonly string[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Runs a module in memory, behind the same request handler that serves it for real: arguments and answers pass as JSON.
 * @throws GatewayError `INVALID_CONFIG` when the configuration does not fit.
 */
export async function testModule(source: ModuleSource, options: TestOptions = {}): Promise<TestedModule> {
  const module = await source.create(options.config);
  const handler = createModuleHandler(module, options.logger === undefined ? {} : { logger: options.logger });
  const client: ClientProfile = {
    revision: MODERN_REVISION,
    info: { name: 'test', version: '0' },
    capabilities: {},
    logLevel: 'debug',
    ...options.client,
  };
  const progress: TestedProgress[] = [];
  const logs: TestedLog[] = [];
  const changes: string[] = [];
  const stop = handler.watch(({ method }) => changes.push(method));

  const emit = ({ method, params }: Notification): void => {
    const members = asJson(params?.value);
    if (method === 'notifications/progress') progress.push(members as unknown as TestedProgress);
    else logs.push(members as unknown as TestedLog);
  };

  async function ask(
    method: string,
    params: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const cancellation = new Cancellation();
    const cancel = (): void => cancellation.cancel('the test cancelled it');
    if (signal?.aborted === true) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return toMembers(
        toOutcome(
          await handler.request({
            method,
            params: toParams(asJson(params)),
            client,
            principal: LOCAL_PRINCIPAL,
            cancellation,
            emit,
            wantsProgress: true,
          }),
        ),
      );
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async function close(): Promise<void> {
    stop();
    await module.close();
  }

  return {
    list: async () => (await ask('tools/list', {}))['tools'] as readonly ToolDefinition[],
    call: async (name, args = {}, { signal } = {}) => toAnswer(await ask('tools/call', { name, arguments: args }, signal)),
    read: async (uri) => (await ask('resources/read', { uri }))['contents'] as ResourceContents['contents'],
    prompt: async (name, args = {}) => (await ask('prompts/get', { name, arguments: args })) as unknown as PromptReply,
    progress,
    logs,
    changes,
    close,
    [Symbol.asyncDispose]: close,
  };
}

// Through bytes, so that both sides see what they would over a wire: dates are text, and undefined members are gone.
function asJson(value: unknown): Readonly<Record<string, unknown>> {
  return RawJson.fromBytes(RawJson.fromValue(value).bytes).object!;
}

function toMembers(outcome: Outcome): Readonly<Record<string, unknown>> {
  if (outcome.kind === 'error') throw new GatewayError('UPSTREAM_PROTOCOL', outcome.error.message, { data: { code: outcome.error.code } });
  return asJson(outcome.result.value);
}

function toAnswer(result: Readonly<Record<string, unknown>>): TestedAnswer {
  const content = result['content'] as readonly ContentBlock[];
  const text = content.flatMap((block) => (block.type === 'text' ? [String(block['text'])] : [])).join('\n');
  return { content, structured: result['structuredContent'], isError: result['isError'] === true, text };
}
