import { isObject } from '@signalbox/core';
import type { SchemaProblem } from './schema-verdict.ts';

/** A piece of an answer: text, image, audio, resource link or embedded resource. */
export interface ContentBlock {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** An answer in MCP's own words, for tools that return more than text or one JSON value. */
export interface ToolReply {
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  /** The tool failed, and the content tells the model why. */
  readonly isError?: boolean;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

const MAX_PROBLEMS = 10;

/** An answer that is one text. */
export function textReply(text: string): ToolReply {
  return { content: [{ type: 'text', text }] };
}

/** An answer that tells the model what went wrong. */
export function errorReply(text: string): ToolReply {
  return { ...textReply(text), isError: true };
}

/**
 * Turns what a tool returned into an answer. Text stays text; an object becomes structured content and, for clients
 * that read no such, text; any other JSON value does as `{ result: value }`, because the handshake revisions know
 * only objects there. Nothing at all becomes "Done".
 * @throws TypeError for a value that JSON cannot hold.
 */
export function toReply(value: unknown): ToolReply {
  if (value === undefined) return textReply('Done');
  if (typeof value === 'string') return textReply(value);
  if (isReply(value)) return value;
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`Cannot answer with a ${typeof value}: it is not JSON`);
  return { ...textReply(text), structuredContent: isObject(value) ? value : { result: value } };
}

/** Tells whether a value is an answer in MCP's own words. An empty `content` counts as one. */
export function isReply(value: unknown): value is ToolReply {
  if (!isObject(value) || !Array.isArray(value['content'])) return false;
  return value['content'].every((block) => isObject(block) && typeof block['type'] === 'string');
}

/** Tells a model which arguments to mend, one line each. */
export function problemsReply(tool: string, problems: readonly SchemaProblem[]): ToolReply {
  const lines = problems.slice(0, MAX_PROBLEMS).map(({ path, message }) => `- ${path === '' ? 'arguments' : path}: ${message}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`- and ${problems.length - MAX_PROBLEMS} more`);
  return errorReply(`Cannot call "${tool}": its arguments do not fit. Mend them and call again:\n${lines.join('\n')}`);
}
