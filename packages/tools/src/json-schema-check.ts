import { GatewayError, nearestOf, toMessage } from '@signalbox/core';
import type { ErrorObject, ValidateFunction } from 'ajv';
import type { JsonSchema, SchemaProblem, SchemaVerdict } from './schema-verdict.ts';

const compiled = new WeakMap<JsonSchema, Promise<ValidateFunction>>();

/**
 * Checks a value against a plain JSON Schema and fills in defaults, on a copy.
 * The validator is loaded at the first use, so that programs whose tools need none start without it.
 * @throws GatewayError `INTERNAL` when the schema itself is wrong.
 */
export async function checkJsonSchema(schema: JsonSchema, value: unknown): Promise<SchemaVerdict> {
  let validator = compiled.get(schema);
  if (validator === undefined) compiled.set(schema, (validator = compile(schema)));
  const validate = await validator;
  const copy = structuredClone(value);
  if (validate(copy)) return { ok: true, value: copy };
  return { ok: false, problems: toProblems(validate.errors ?? []) };
}

async function compile(schema: JsonSchema): Promise<ValidateFunction> {
  // Formats need another package and are annotations by default in 2020-12, so they are not checked.
  const options = {
    allErrors: true,
    strict: false,
    useDefaults: true,
    validateFormats: false,
    addUsedSchema: false,
    verbose: true,
  } as const;
  try {
    if (/draft-0[4-7]/.test(String(schema['$schema']))) {
      const { Ajv } = await import('ajv');
      return new Ajv(options).compile(schema);
    }
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    return new Ajv2020(options).compile(schema);
  } catch (error) {
    throw new GatewayError('INTERNAL', `Cannot use a JSON Schema: ${toMessage(error)}`, { cause: error });
  }
}

function toProblems(errors: readonly ErrorObject[]): SchemaProblem[] {
  // Besides its branches' problems, a failed "if" only says that one of them failed.
  return errors.filter(({ keyword }) => keyword !== 'if').map((error) => toProblem(error));
}

function toProblem(error: ErrorObject): SchemaProblem {
  const path = toPath(error.instancePath);
  const { keyword, params } = error;
  if (keyword === 'required') return { path: join(path, String(params['missingProperty'])), message: 'is missing' };
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']);
    const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
    const nearest = nearestOf(name, known);
    return {
      path: join(path, name),
      message: nearest === undefined ? `is not known; known are ${known.join(', ') || 'none'}` : `is not known; did you mean "${nearest}"?`,
    };
  }
  if (keyword === 'enum')
    return { path, message: `must be one of ${(params['allowedValues'] as unknown[]).map((value) => JSON.stringify(value)).join(', ')}` };
  if (keyword === 'const') return { path, message: `must be ${JSON.stringify(params['allowedValue'])}` };
  if (keyword === 'type') return { path, message: `${error.message ?? 'has the wrong type'}, not ${kindOf(error.data)}` };
  return { path, message: error.message ?? `fails "${keyword}"` };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

// "/items/0/name" is what the validator says, "items[0].name" is what people and models write.
function toPath(pointer: string): string {
  let path = '';
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path = /^\d+$/.test(key) ? `${path}[${key}]` : join(path, key);
  }
  return path;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
