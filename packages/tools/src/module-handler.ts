import {
  GatewayError,
  RawJson,
  isObject,
  nearestOf,
  silentLogger,
  toMessage,
  type Awaitable,
  type Logger,
  type Outcome,
  type Request,
} from '@signalbox/core';
import { MODERN_REVISION, type RequestHandler, type ServerProfile } from '@signalbox/protocol';
import { createContext, type ToolContext } from './context.ts';
import type { Module } from './module.ts';
import type { Resource } from './resource.ts';
import { ToolError, type Tool } from './tool.ts';
import { errorReply, type ToolReply } from './tool-result.ts';

export interface ModuleHandlerOptions {
  /** Learns of tools that failed for reasons their callers are not told. Default: nobody does. */
  readonly logger?: Logger;
  /** Arguments have been checked against the listed JSON Schemas before they come here. Default false. */
  readonly isChecked?: boolean;
}

/** Answers requests from a module. The module stays its owner's to close. */
export function createModuleHandler(module: Module, options: ModuleHandlerOptions = {}): RequestHandler {
  const answerer = new ModuleAnswerer(module, options);
  return {
    describe: () => toProfile(module),
    request: (request) => answerer.answer(request),
    watch: (listener) => answerer.watch(listener),
    subscribe: (uri) => answerer.subscribe(uri),
  };
}

/** Lists may change at any time, and whoever follows the notifications may keep them until then. */
const NOT_CACHED = { ttlMs: 0, cacheScope: 'private' } as const;

class ModuleAnswerer {
  readonly #module: Module;
  readonly #logger: Logger;
  readonly #isChecked: boolean;
  readonly #wishes = new Map<string, number>();
  #listed: { readonly tools: readonly Tool[]; readonly outcome: Outcome } | undefined;

  constructor(module: Module, options: ModuleHandlerOptions) {
    this.#module = module;
    this.#logger = options.logger ?? silentLogger;
    this.#isChecked = options.isChecked ?? false;
  }

  answer(request: Request): Awaitable<Outcome> {
    switch (request.method) {
      case 'tools/list':
        rejectCursor(request);
        return this.#listTools();
      case 'tools/call':
        return this.#call(request);
      case 'resources/list':
        return this.#listResources(request, 'resources', false);
      case 'resources/templates/list':
        return this.#listResources(request, 'resourceTemplates', true);
      case 'resources/read':
        return this.#read(request);
      case 'prompts/list':
        rejectCursor(request);
        return toOutcome({ ...NOT_CACHED, prompts: this.#module.prompts.map(({ definition }) => definition) });
      case 'prompts/get':
        return this.#prompt(request);
      case 'completion/complete':
        return toOutcome({ completion: { values: [], total: 0, hasMore: false } });
      default:
        throw new GatewayError('METHOD_NOT_FOUND', `Cannot answer "${request.method}": module "${this.#module.name}" does not know it`);
    }
  }

  watch(listener: Parameters<RequestHandler['watch']>[0]): () => void {
    return this.#module.watch((notification) => {
      if (notification.method === 'notifications/resources/updated' && !this.#wishes.has(String(notification.params?.object?.['uri'])))
        return;
      listener(notification);
    });
  }

  subscribe(uri: string): () => void {
    this.#wishes.set(uri, (this.#wishes.get(uri) ?? 0) + 1);
    let isWanted = true;
    return () => {
      if (!isWanted) return;
      isWanted = false;
      const left = this.#wishes.get(uri)! - 1;
      if (left === 0) this.#wishes.delete(uri);
      else this.#wishes.set(uri, left);
    };
  }

  #listTools(): Outcome {
    const { tools } = this.#module;
    if (this.#listed?.tools !== tools) {
      this.#listed = { tools, outcome: toOutcome({ ...NOT_CACHED, tools: tools.map(({ definition }) => definition) }) };
    }
    return this.#listed.outcome;
  }

  #listResources(request: Request, member: string, isTemplate: boolean): Outcome {
    rejectCursor(request);
    const definitions = this.#module.resources.filter((resource) => resource.isTemplate === isTemplate).map(({ definition }) => definition);
    return toOutcome({ ...NOT_CACHED, [member]: definitions });
  }

  async #call(request: Request): Promise<Outcome> {
    const name = textOf(request, 'name');
    const tool = this.#module.tools.find((candidate) => candidate.name === name);
    if (tool === undefined)
      throw this.#unknown(
        'tool',
        name,
        this.#module.tools.map((candidate) => candidate.name),
      );
    const args = objectOf(request, 'arguments');
    const isChecked = this.#isChecked && tool.isCheckedByGateway;
    try {
      return replyOutcome(await tool.call(args, { context: createContext(request, this.#module.name), isChecked }));
    } catch (error) {
      if (isToolError(error)) return replyOutcome(errorReply(error.message));
      this.#rejectCancelled(request, name, error);
      this.#logger.error(`Tool "${name}" of module "${this.#module.name}" failed`, toFields(error));
      return replyOutcome(errorReply(`Tool "${name}" failed; its server's log has the reason`));
    }
  }

  async #read(request: Request): Promise<Outcome> {
    const uri = textOf(request, 'uri');
    const found = findResource(this.#module.resources, uri);
    if (found === undefined) {
      const nearest = nearestOf(
        uri,
        this.#module.resources.map(({ id }) => id),
      );
      throw new GatewayError(
        'RESOURCE_NOT_FOUND',
        `Cannot read "${uri}": module "${this.#module.name}" has no such resource${didYouMean(nearest)}`,
        { data: { uri } },
      );
    }
    const contents = await this.#run(request, uri, (context) => found.resource.read({ uri, variables: found.variables }, context));
    return toOutcome({ ...NOT_CACHED, ...contents });
  }

  async #prompt(request: Request): Promise<Outcome> {
    const name = textOf(request, 'name');
    const prompt = this.#module.prompts.find((candidate) => candidate.name === name);
    if (prompt === undefined)
      throw this.#unknown(
        'prompt',
        name,
        this.#module.prompts.map((candidate) => candidate.name),
      );
    const reply = await this.#run(request, name, (context) => prompt.get(objectOf(request, 'arguments'), context));
    return toOutcome({ ...(reply.description === undefined ? {} : { description: reply.description }), messages: reply.messages });
  }

  // Resources and prompts have no way to fail but a JSON-RPC error.
  async #run<Body>(request: Request, name: string, run: (context: ToolContext) => Promise<Body>): Promise<Body> {
    try {
      return await run(createContext(request, this.#module.name));
    } catch (error) {
      if (isToolError(error)) throw new GatewayError('INVALID_PARAMS', error.message, { cause: error });
      if (error instanceof GatewayError) throw error;
      this.#rejectCancelled(request, name, error);
      this.#logger.error(`"${name}" of module "${this.#module.name}" failed`, toFields(error));
      throw new GatewayError('INTERNAL', `Cannot answer for "${name}" of module "${this.#module.name}": ${toMessage(error)}`, {
        cause: error,
      });
    }
  }

  #rejectCancelled(request: Request, name: string, cause: unknown): void {
    const { reason } = request.cancellation;
    if (reason !== undefined) throw new GatewayError('CANCELLED', `Cannot finish "${name}": ${reason}`, { cause });
  }

  #unknown(kind: 'tool' | 'prompt', name: string, known: readonly string[]): GatewayError {
    const message = `Cannot find ${kind} "${name}": module "${this.#module.name}" has none of that name${didYouMean(nearestOf(name, known))}`;
    return new GatewayError('UNKNOWN_NAME', message, { data: { name } });
  }
}

function toProfile(module: Module): ServerProfile {
  const { name, version, title } = module;
  return {
    info: title === undefined ? { name, version } : { name, version, title },
    capabilities: {
      tools: { listChanged: true },
      ...(module.resources.length === 0 ? {} : { resources: { subscribe: true } }),
      ...(module.prompts.length === 0 ? {} : { prompts: {} }),
      logging: {},
    },
    instructions: module.instructions,
  };
}

function replyOutcome(reply: ToolReply): Outcome {
  const { content, structuredContent, isError, _meta } = reply;
  const members = { content, structuredContent, ...(isError === true ? { isError } : {}), _meta };
  return toOutcome(members, isError === true);
}

function toOutcome(members: Readonly<Record<string, unknown>>, isError = false): Outcome {
  return {
    kind: 'result',
    result: RawJson.fromValue({ resultType: 'complete', ...members }),
    resultType: 'complete',
    isError,
    revision: MODERN_REVISION,
  };
}

function findResource(resources: readonly Resource[], uri: string) {
  for (const resource of resources) {
    const variables = resource.match(uri);
    if (variables !== undefined) return { resource, variables };
  }
  return undefined;
}

// Every list fits on one page, so we never gave out a cursor.
function rejectCursor(request: Request): void {
  if (request.params.has('cursor'))
    throw new GatewayError('INVALID_PARAMS', `Cannot continue "${request.method}": the cursor is none of ours`);
}

function textOf(request: Request, member: string): string {
  const value = request.params.get(member)?.value;
  if (typeof value !== 'string') throw new GatewayError('INVALID_PARAMS', `Cannot answer "${request.method}": "${member}" must be text`);
  return value;
}

function objectOf(request: Request, member: string): Readonly<Record<string, unknown>> {
  const value = request.params.get(member)?.value ?? {};
  if (!isObject(value)) throw new GatewayError('INVALID_PARAMS', `Cannot answer "${request.method}": "${member}" must be an object`);
  return value;
}

function didYouMean(nearest: string | undefined): string {
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

// By name, because a module may come with its own copy of this package.
function isToolError(error: unknown): error is ToolError {
  return error instanceof ToolError || (error instanceof Error && error.name === 'ToolError');
}

function toFields(error: unknown): Readonly<Record<string, unknown>> {
  return { error: toMessage(error), stack: error instanceof Error ? error.stack : undefined };
}
