import { GatewayError, isObject, toMessage, type Awaitable } from '@signalbox/core';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { checkJsonSchema } from './json-schema-check.ts';
import type { JsonSchema, SchemaVerdict } from './schema-verdict.ts';

/** How authors describe values: a schema of any Standard Schema library (zod, valibot, arktype, …) or a JSON Schema. */
export type Schema = StandardSchemaV1 | JsonSchema;

/** What `run` gets: the schema's output type, or an open object for a plain JSON Schema. */
export type ParsedBy<S extends Schema> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : Record<string, unknown>;

/** What must be given to a schema: its input type, or anything for a plain JSON Schema. */
export type AcceptedBy<S extends Schema> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown;

const DEFAULT_DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Checks a value and fills in defaults. The value itself stays as it is. */
export function checkValue(schema: Schema, value: unknown): Awaitable<SchemaVerdict> {
  if (!isStandardSchema(schema)) return checkJsonSchema(schema, value);
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then(toVerdict) : toVerdict(result);
}

/** Tells whether a schema comes from a library that follows Standard Schema. Some libraries' schemas are functions. */
export function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  if (typeof schema !== 'function' && !isObject(schema)) return false;
  const standard = (schema as { readonly '~standard'?: unknown })['~standard'];
  return isObject(standard) && typeof standard['validate'] === 'function';
}

export interface DescribeOptions {
  /** For error messages: what the schema belongs to, for example `the input of tool "roll"`. */
  readonly owner: string;
  /** Name of the option through which the author can give a JSON Schema. */
  readonly option: string;
  readonly side: 'input' | 'output';
  /** JSON Schema written by the author, preferred over what the library says. */
  readonly written: JsonSchema | undefined;
}

/**
 * The JSON Schema of a schema that describes an object, as clients see it.
 * @throws GatewayError `INVALID_CONFIG` when its library cannot give one and the author wrote none, or when it describes no object.
 */
export function describeObject(schema: Schema, options: DescribeOptions): JsonSchema {
  const described = options.written ?? (isStandardSchema(schema) ? convert(schema, options) : schema);
  if (!isObject(described))
    throw new GatewayError('INVALID_CONFIG', `Cannot use ${options.owner}: it is neither a Standard Schema nor a JSON Schema object`);
  const type = described['type'] ?? 'object';
  if (type !== 'object') {
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot use ${options.owner}: it must describe an object, not ${JSON.stringify(type)}; name the value as a member of one`,
    );
  }
  const { $schema, ...rest } = described;
  // Clients assume 2020-12, and every list costs the model tokens; so only another dialect is named.
  return { ...($schema === undefined || $schema === DEFAULT_DIALECT ? {} : { $schema }), type, ...rest };
}

function convert(schema: StandardSchemaV1, options: DescribeOptions): JsonSchema {
  const { vendor, jsonSchema } = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  if (jsonSchema === undefined) {
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot describe ${options.owner}: schemas of "${vendor}" do not give a JSON Schema; pass one as "${options.option}"${adviceFor(vendor)}`,
    );
  }
  try {
    return jsonSchema[options.side]({ target: 'draft-2020-12' });
  } catch (error) {
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot describe ${options.owner}: ${toMessage(error)}; pass a JSON Schema as "${options.option}"`,
      { cause: error },
    );
  }
}

function adviceFor(vendor: string): string {
  if (vendor === 'valibot') return ', or wrap the schema in toStandardJsonSchema of "@valibot/to-json-schema"';
  if (vendor === 'zod') return ', or use zod 4.2 or newer';
  return '';
}

function toVerdict(result: StandardSchemaV1.Result<unknown>): SchemaVerdict {
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, problems: result.issues.map(({ path, message }) => ({ path: toPath(path ?? []), message })) };
}

function toPath(steps: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  let path = '';
  for (const step of steps) {
    const key = typeof step === 'object' ? step.key : step;
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
  }
  return path;
}
