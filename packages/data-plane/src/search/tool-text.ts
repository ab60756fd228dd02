import { isObject, type Target } from '@signalbox/core';

/** The texts of a tool that say what it is for. */
export interface ToolText {
  readonly names: string;
  readonly title: string;
  readonly description: string;
  readonly upstream: string;
  readonly parameterNames: string;
  readonly parameterDescriptions: string;
  readonly values: string;
}

// A tool that talks at length must not cost more than it says.
const MAX_CHARS = 2_000;
const MAX_PARAMETERS = 200;
const MAX_DEPTH = 4;

/** Reads what a tool says of itself, each kind of text bounded. */
export function readToolText(publicName: string, { name, upstream, definition }: Target): ToolText {
  const found = { names: [] as string[], descriptions: [] as string[], values: [] as string[] };
  collectParameters(definition?.inputSchema, found, 0);
  return {
    names: namesOf(publicName, name),
    title: textOf(definition?.title ?? definition?.annotations?.['title']),
    description: textOf(definition?.description),
    upstream,
    parameterNames: found.names.join(' ').slice(0, MAX_CHARS),
    parameterDescriptions: found.descriptions.join(' ').slice(0, MAX_CHARS),
    values: found.values.join(' ').slice(0, MAX_CHARS),
  };
}

// A public name that only has something in front of the tool's own says it all; both would count its words twice.
function namesOf(publicName: string, name: string): string {
  const plain = (text: string) => text.replace(/[^A-Za-z0-9_-]/g, '_');
  return plain(publicName).includes(plain(name)) ? publicName : `${publicName} ${name}`;
}

function collectParameters(schema: unknown, found: { names: string[]; descriptions: string[]; values: string[] }, depth: number): void {
  if (!isObject(schema) || depth > MAX_DEPTH) return;
  if (depth > 0 && typeof schema['description'] === 'string') found.descriptions.push(schema['description'].slice(0, MAX_CHARS));
  if (Array.isArray(schema['enum']))
    for (const value of schema['enum'].slice(0, MAX_PARAMETERS)) if (typeof value === 'string') found.values.push(value);
  collectParameters(schema['items'], found, depth + 1);
  if (!isObject(schema['properties'])) return;
  for (const [name, parameter] of Object.entries(schema['properties'])) {
    if (found.names.length >= MAX_PARAMETERS) return;
    found.names.push(name);
    collectParameters(parameter, found, depth + 1);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_CHARS) : '';
}
