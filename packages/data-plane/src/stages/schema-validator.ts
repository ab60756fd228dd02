import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { isObject, toMessage, type Awaitable, type Logger } from '@signalbox/core';
import { createAjv } from '../../worker/create-ajv.js';

type Schema = Readonly<Record<string, unknown>>;

/** One place where a value does not fit its schema. */
export interface Problem {
  /** Members and indexes from the root, joined by dots; empty for the root. */
  readonly path: string;
  readonly message: string;
  readonly keyword: string;
  readonly unknownKey?: string;
  readonly missingKey?: string;
}

/** Checks values against JSON Schemas of 2020-12 and older drafts. Each schema is compiled once, on its first use. */
export interface SchemaValidator {
  /**
   * A member that may be absent may also be `null`, whatever its schema says.
   * @returns the problems, or `undefined` when the value fits or its schema cannot be used (that is logged once).
   */
  validate(schema: Schema, value: unknown): Awaitable<readonly Problem[] | undefined>;
  /** Tells whether a value certainly fits; `false` also when the schema cannot be used. */
  accepts(schema: Schema, value: unknown): Awaitable<boolean>;
  /** Loads the compiler ahead of the first call. */
  prepare(): Promise<void>;
}

export interface SchemaValidatorOptions {
  readonly logger: Logger;
  /** Schemas whose JSON is longer are compiled in a worker thread. In bytes. */
  readonly maxInlineBytes?: number;
  /** Schemas whose JSON is longer are not used at all. In bytes. */
  readonly maxBytes?: number;
  /** Longest time a worker may take for one schema, in milliseconds. */
  readonly compileMs?: number;
}

type Check = ValidateFunction | 'unusable';

/** Creates a validator. It holds no schema that nobody else holds. */
export function createSchemaValidator(options: SchemaValidatorOptions): SchemaValidator {
  const { logger, maxInlineBytes = 16_384, maxBytes = 1_048_576, compileMs = 5_000 } = options;
  const checks = new WeakMap<Schema, Check | Promise<Check>>();
  const compilers: { draft7: Promise<Ajv> | undefined; draft2020: Promise<Ajv> | undefined } = { draft7: undefined, draft2020: undefined };
  const ready: { draft7: Ajv | undefined; draft2020: Ajv | undefined } = { draft7: undefined, draft2020: undefined };

  const load = (draft: 'draft7' | 'draft2020'): Promise<Ajv> =>
    (compilers[draft] ??= createAjv(draft === 'draft7', { source: false }).then((ajv) => (ready[draft] = ajv)));

  const compile = (schema: Schema): Awaitable<Check> => {
    const bytes = JSON.stringify(schema).length;
    const draft = draftOf(schema);
    if (bytes > maxBytes) return unusable(logger, `it is larger than ${maxBytes} bytes`);
    const plain = withoutIds(schema);
    if (bytes > maxInlineBytes)
      return compileInWorker(plain, draft === 'draft7', compileMs).catch((error: unknown) => unusable(logger, toMessage(error)));
    const ajv = ready[draft];
    return ajv === undefined ? load(draft).then((loaded) => compileInline(loaded, plain, logger)) : compileInline(ajv, plain, logger);
  };

  const checkOf = (schema: Schema): Awaitable<Check> => {
    let check = checks.get(schema);
    if (check === undefined) {
      check = compile(schema);
      checks.set(schema, check);
      if (check instanceof Promise) void check.then((compiled) => checks.set(schema, compiled));
    }
    return check;
  };

  return {
    validate: (schema, value) => {
      const check = checkOf(schema);
      return check instanceof Promise ? check.then((compiled) => run(compiled, value)) : run(check, value);
    },
    accepts: (schema, value) => {
      const check = checkOf(schema);
      const isAccepted = (compiled: Check): boolean => compiled !== 'unusable' && compiled(value) === true;
      return check instanceof Promise ? check.then(isAccepted) : isAccepted(check);
    },
    prepare: async () => {
      await load('draft2020');
    },
  };
}

function compileInline(ajv: Ajv, schema: Schema, logger: Logger): Check {
  try {
    return ajv.compile(schema);
  } catch (error) {
    return unusable(logger, toMessage(error));
  } finally {
    // The compiler would keep every schema it ever saw.
    ajv.removeSchema(schema);
  }
}

async function compileInWorker(schema: Schema, isDraft7: boolean, compileMs: number): Promise<Check> {
  const worker = new Worker(new URL('../../worker/compile-schema.js', import.meta.url), {
    workerData: { schema, isDraft7 },
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const source = await new Promise<string>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`compiling it took longer than ${compileMs} ms`)), compileMs);
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('its compilation ended without a result')));
    });
    return evaluate(source);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

// The source is what ajv generated from the schema, as it does when it compiles inline; no text of the schema runs as code.
function evaluate(source: string): ValidateFunction {
  const module: { exports: unknown } = { exports: {} };
  // eslint-disable-next-line no-new-func, typescript/no-implied-eval
  new Function('require', 'module', 'exports', source)(createRequire(import.meta.url), module, module.exports);
  return module.exports as ValidateFunction;
}

function unusable(logger: Logger, reason: string): Check {
  logger.warn('a tool schema cannot be used, its calls are passed on unchecked', { reason: reason.slice(0, 500) });
  return 'unusable';
}

function run(check: Check, value: unknown): readonly Problem[] | undefined {
  if (check === 'unusable' || check(value)) return undefined;
  const errors = check.errors ?? [];
  const withoutNulls = withoutRefusedNulls(value, errors);
  if (withoutNulls !== undefined && check(withoutNulls)) return undefined;
  return errors.filter((error) => !isEcho(error)).map(toProblem);
}

// Clients write `null` for an argument that is not given, and the specification means the same by both (SEP-2243). Whether
// its tool does is for the server to say, so it is only here that such members are left out.
function withoutRefusedNulls(value: unknown, errors: readonly ErrorObject[]): unknown {
  let copy: unknown;
  for (const error of errors) {
    const steps = stepsOf(error);
    const last = steps.pop();
    if (last === undefined || error.data !== null) continue;
    copy ??= structuredClone(value);
    const parent = steps.reduce<unknown>((inner, step) => (inner as Readonly<Record<string, unknown>> | undefined)?.[step], copy);
    if (isObject(parent)) delete parent[last];
  }
  return copy;
}

// `if` and `anyOf` report once more what their branches reported already.
function isEcho(error: ErrorObject): boolean {
  return error.keyword === 'if';
}

function toProblem(error: ErrorObject): Problem {
  const path = stepsOf(error).join('.');
  const message = messageOf(error);
  const problem = { path, message, keyword: error.keyword };
  if (error.keyword === 'additionalProperties') return { ...problem, unknownKey: String(error.params['additionalProperty']) };
  if (error.keyword === 'required') return { ...problem, missingKey: String(error.params['missingProperty']) };
  return problem;
}

function stepsOf({ instancePath }: ErrorObject): string[] {
  return instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function messageOf({ keyword, params, message, data }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${shorten(params['allowedValues'])}`;
  if (keyword === 'const') return `must be ${shorten(params['allowedValue'])}`;
  if (keyword === 'type') return `${message ?? 'has the wrong type'}, not ${shorten(data)}`;
  return message ?? `does not fit "${keyword}"`;
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1)}…`;
}

const MAX_SHOWN = 200;

function draftOf(schema: Schema): 'draft7' | 'draft2020' {
  const declared = schema['$schema'];
  return typeof declared === 'string' && /draft-0[3467]/.test(declared) ? 'draft7' : 'draft2020';
}

function withoutIds(schema: Schema): Schema {
  const { $schema: _dialect, $id: _id, id: _oldId, ...rest } = schema;
  return rest;
}
