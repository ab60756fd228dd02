import { isObject, nearestOf } from '@signalbox/core';
import type { Problem } from './schema-validator.ts';

const MAX_PROBLEMS = 8;
const MAX_SCHEMA_TEXT = 1200;

type Schema = Readonly<Record<string, unknown>>;

/** Tells a model what is wrong with its arguments, what was expected, and how to mend the call. */
export function describeProblems(tool: string, problems: readonly Problem[], schema: Schema): string {
  const lines = problems.slice(0, MAX_PROBLEMS).map((problem) => `- ${describe(problem, schema)}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`- and ${problems.length - MAX_PROBLEMS} more`);
  return [
    `Cannot call "${tool}": its arguments do not fit its schema. Nothing was run.`,
    ...lines,
    expectation(schema),
    'Correct the arguments and call the tool again.',
  ].join('\n');
}

function describe(problem: Problem, schema: Schema): string {
  const where = problem.path === '' ? 'the arguments' : `"${problem.path}"`;
  if (problem.unknownKey !== undefined) {
    const nearest = nearestOf(problem.unknownKey, Object.keys(propertiesAt(schema, problem.path)));
    return `${where} must not have "${problem.unknownKey}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`;
  }
  if (problem.missingKey !== undefined) {
    const about = describeSchema(propertiesAt(schema, problem.path)[problem.missingKey]);
    return `${where} must have "${problem.missingKey}"${about === '' ? '' : ` (${about})`}`;
  }
  return `${where} ${problem.message}`;
}

function propertiesAt(schema: Schema, path: string): Readonly<Record<string, unknown>> {
  let current: unknown = schema;
  for (const step of path === '' ? [] : path.split('.')) {
    if (!isObject(current)) return {};
    const properties = current['properties'];
    current = /^\d+$/.test(step) ? current['items'] : isObject(properties) ? properties[step] : undefined;
  }
  const properties = isObject(current) ? current['properties'] : undefined;
  return isObject(properties) ? properties : {};
}

function describeSchema(schema: unknown): string {
  if (!isObject(schema)) return '';
  const type = Array.isArray(schema['enum'])
    ? `one of ${JSON.stringify(schema['enum']).slice(0, 200)}`
    : typeof schema['type'] === 'string'
      ? schema['type']
      : '';
  const description = typeof schema['description'] === 'string' ? schema['description'].slice(0, 160) : '';
  return [type, description].filter((part) => part !== '').join(': ');
}

function expectation(schema: Schema): string {
  const required = Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [];
  const members = Object.entries(propertiesAt(schema, '')).map(
    ([name, member]) => `${name}${required.includes(name) ? '' : '?'}: ${describeSchema(member) || 'any'}`,
  );
  const text = `Expected: { ${members.join('; ')} }`;
  return text.length <= MAX_SCHEMA_TEXT ? text : `${text.slice(0, MAX_SCHEMA_TEXT - 1)}…`;
}
