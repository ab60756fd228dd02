import { GatewayError, RawJson, type Awaitable, type Notification } from '@signalbox/core';
import type { Prompt } from './prompt.ts';
import type { Resource } from './resource.ts';
import { checkValue, describeObject, type ParsedBy, type Schema } from './schema.ts';
import type { JsonSchema } from './schema-verdict.ts';
import type { Tool } from './tool.ts';

interface ModuleIdentity {
  readonly name: string;
  readonly version: string;
  /** A name for people. */
  readonly title?: string;
  /** How to use the tools together, for the model. */
  readonly instructions?: string;
}

interface ModuleContents {
  readonly tools?: readonly Tool[];
  readonly resources?: readonly Resource[];
  readonly prompts?: readonly Prompt[];
}

/** A module whose contents are known at once. */
export interface ModuleOptions extends ModuleIdentity, ModuleContents {}

/** A module that needs configuration, or opens something that must be closed. */
export interface ConfigurableModuleOptions<Config extends Schema> extends ModuleIdentity {
  readonly config: Config;
  /** JSON Schema of `config`, for libraries that cannot give one. */
  readonly configSchema?: JsonSchema;
  /** Makes the contents for one configuration. */
  create(config: ParsedBy<Config>): Awaitable<ModuleParts>;
}

/** What `create` of a configurable module returns. */
export interface ModuleParts extends ModuleContents {
  /** Frees what `create` opened. Called once. */
  close?(): Awaitable<void>;
}

/** What a module's file exports under the name `module`. */
export interface ModuleSource {
  readonly name: string;
  readonly version: string;
  /** JSON Schema of the configuration, or `undefined` when the module takes none. */
  readonly configSchema: JsonSchema | undefined;
  /**
   * Makes the module ready to answer. A module without configuration returns itself; any other a new one each time,
   * which the caller owns and closes.
   * @throws GatewayError `INVALID_CONFIG` when the configuration does not fit.
   */
  create(config?: unknown): Promise<Module>;
}

/** A module ready to answer: tools, resources and prompts under one name. Its tools may change while it runs. */
export interface Module extends ModuleSource {
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  /** In the order they were defined and added; another array after each change. */
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly prompts: readonly Prompt[];
  /** Offers one more tool and tells the clients. @throws GatewayError `CONFLICT` when its name is taken. */
  add(tool: Tool): void;
  /** Offers a tool no longer and tells the clients. Returns whether there was one of that name. */
  remove(name: string): boolean;
  /** Tells the clients that follow this resource that it has changed. */
  resourceChanged(uri: string): void;
  /** Calls `listener` with what clients should be told. Returns its own stop function. */
  watch(listener: (notification: Notification) => void): () => void;
  /** Frees what the module opened. Idempotent. */
  close(): Promise<void>;
}

/**
 * Declares a module: tools, resources and prompts under one name, or how to make them from a configuration.
 * @throws GatewayError `INVALID_CONFIG` when two parts share a name.
 */
export function defineModule<Config extends Schema>(options: ConfigurableModuleOptions<Config>): ModuleSource;
export function defineModule(options: ModuleOptions): Module;
export function defineModule(options: ModuleOptions | ConfigurableModuleOptions<Schema>): ModuleSource {
  return 'create' in options ? defineConfigurable(options) : new LiveModule(options, options);
}

const BRAND = Symbol.for('signalbox.module');

/** Tells whether a value, such as a file's export, was made by `defineModule`, also by that of another copy of this package. */
export function isModule(value: unknown): value is ModuleSource {
  return typeof value === 'object' && value !== null && BRAND in value;
}

function defineConfigurable(options: ConfigurableModuleOptions<Schema>): ModuleSource {
  const { name, version, config: schema } = options;
  const configSchema = describeObject(schema, {
    owner: `the configuration of module "${name}"`,
    option: 'configSchema',
    side: 'input',
    written: options.configSchema,
  });
  const source: ModuleSource & { readonly [BRAND]: true } = {
    [BRAND]: true,
    name,
    version,
    configSchema,
    async create(config) {
      const verdict = await checkValue(schema, config ?? {});
      if (!verdict.ok) {
        const [first] = verdict.problems;
        const problem = `${first?.path || 'it'} ${first?.message ?? 'is wrong'}`;
        throw new GatewayError('INVALID_CONFIG', `Cannot use the configuration of module "${name}": ${problem}`, {
          data: { problems: verdict.problems },
        });
      }
      return new LiveModule(options, await options.create(verdict.value as Record<string, unknown>), source);
    },
  };
  return source;
}

class LiveModule implements Module {
  readonly [BRAND] = true;
  readonly name: string;
  readonly version: string;
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  readonly configSchema: JsonSchema | undefined;
  readonly resources: readonly Resource[];
  readonly prompts: readonly Prompt[];
  readonly #source: ModuleSource | undefined;
  readonly #listeners = new Set<(notification: Notification) => void>();
  #tools: readonly Tool[];
  #close: (() => Awaitable<void>) | undefined;

  constructor(identity: ModuleIdentity, parts: ModuleParts, source?: ModuleSource) {
    this.name = identity.name;
    this.version = identity.version;
    this.title = identity.title;
    this.instructions = identity.instructions;
    this.configSchema = source?.configSchema;
    this.#source = source;
    this.#tools = [...(parts.tools ?? [])];
    this.resources = [...(parts.resources ?? [])];
    this.prompts = [...(parts.prompts ?? [])];
    this.#close = parts.close?.bind(parts);
    this.#rejectTwins(
      'tool',
      this.#tools.map(({ name }) => name),
    );
    this.#rejectTwins(
      'resource',
      this.resources.map(({ id }) => id),
    );
    this.#rejectTwins(
      'prompt',
      this.prompts.map(({ name }) => name),
    );
  }

  get tools(): readonly Tool[] {
    return this.#tools;
  }

  async create(config?: unknown): Promise<Module> {
    if (this.#source !== undefined) return this.#source.create(config);
    const isEmpty = config === undefined || (typeof config === 'object' && config !== null && Object.keys(config).length === 0);
    if (!isEmpty) throw new GatewayError('INVALID_CONFIG', `Cannot configure module "${this.name}": it takes no configuration`);
    return this;
  }

  add(tool: Tool): void {
    if (this.#tools.some(({ name }) => name === tool.name)) {
      throw new GatewayError('CONFLICT', `Cannot add tool "${tool.name}" to module "${this.name}": it has one of that name`);
    }
    this.#tools = [...this.#tools, tool];
    this.#tell({ method: 'notifications/tools/list_changed', params: undefined });
  }

  remove(name: string): boolean {
    const rest = this.#tools.filter((tool) => tool.name !== name);
    if (rest.length === this.#tools.length) return false;
    this.#tools = rest;
    this.#tell({ method: 'notifications/tools/list_changed', params: undefined });
    return true;
  }

  resourceChanged(uri: string): void {
    this.#tell({ method: 'notifications/resources/updated', params: RawJson.fromValue({ uri }) });
  }

  watch(listener: (notification: Notification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    const close = this.#close;
    this.#close = undefined;
    this.#listeners.clear();
    await close?.();
  }

  #tell(notification: Notification): void {
    for (const listener of this.#listeners) listener(notification);
  }

  #rejectTwins(kind: string, names: readonly string[]): void {
    const twin = names.find((name, index) => names.indexOf(name) !== index);
    if (twin !== undefined)
      throw new GatewayError('INVALID_CONFIG', `Cannot define module "${this.name}": ${kind} "${twin}" is in it twice`);
  }
}
