import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { GatewayError, isObject, toMessage, type Notification, type RawJson } from '@signalbox/core';
import { sizeText, toSafeLine, toSafeText } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { commandFailure, usageError } from './failures.ts';
import { openMcp, type McpAccess } from './mcp-access.ts';

export interface CallOptions {
  readonly tool: string;
  /** JSON object, `@file`, or `-` for stdin. */
  readonly input: string;
  readonly timeout?: number;
  readonly url?: string;
  readonly server?: string;
}

const DEFAULT_TIMEOUT_MS = 300_000;

/** Calls one tool and prints what it returns. A tool that fails ends the command with 1. */
export async function call(context: CommandContext, options: CallOptions): Promise<ExitCode> {
  const { terminal } = context;
  const input = await readInput(context, options.input);
  const access = await openMcp(context, options);
  let result: RawJson;
  try {
    result = await askTool(access, { ...options, input, context });
  } finally {
    await access.close();
  }
  const answer = result.object ?? {};
  const isError = answer['isError'] === true;
  if (terminal.isJson) terminal.answer(answer, () => []);
  else if (answer['resultType'] === 'input_required') {
    throw commandFailure(`"${options.tool}" asks for input, which this command cannot give`, {
      hint: 'Call it from an MCP client; --json shows what it asks for',
    });
  } else {
    const text = renderResult(answer);
    const shown = terminal.isTerminal ? toSafeText(text) : text;
    if (isError) terminal.note(`${terminal.notePaint.red('Error:')} "${options.tool}" failed`);
    terminal.text(shown === '' || shown.endsWith('\n') ? shown : `${shown}\n`);
  }
  return isError || answer['resultType'] === 'input_required' ? EXIT.failed : EXIT.ok;
}

async function readInput({ cwd }: CommandContext, input: string): Promise<Readonly<Record<string, unknown>>> {
  const isFile = input.startsWith('@');
  const source = isFile ? `"${input.slice(1)}"` : input === '-' ? 'stdin' : 'the arguments';
  let value: unknown;
  try {
    const json = isFile ? await readFile(resolve(cwd, input.slice(1)), 'utf8') : input === '-' ? await readAll(process.stdin) : input;
    value = JSON.parse(json);
  } catch (cause) {
    throw usageError(
      `Cannot read ${source} as JSON: ${toMessage(cause)}`,
      `Give an object in single quotes, for example '{"path":"README.md"}', or a file as @file.json`,
    );
  }
  if (isObject(value)) return value;
  throw usageError(
    `The arguments of a tool are a JSON object, and ${source} ${isFile || input === '-' ? 'holds' : 'are'} ${Array.isArray(value) ? 'an array' : JSON.stringify(value)}`,
  );
}

interface Asking extends CallOptions {
  readonly context: CommandContext;
}

async function askTool(
  access: McpAccess,
  { tool, input, timeout, context }: Omit<Asking, 'input'> & { readonly input: Readonly<Record<string, unknown>> },
): Promise<RawJson> {
  const timeoutMs = timeout ?? DEFAULT_TIMEOUT_MS;
  const params = { name: tool, arguments: input };
  const ask = () => access.ask('tools/call', params, { timeoutMs, onProgress: (notification) => showProgress(notification, context) });
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === 'DEADLINE_EXCEEDED')
      throw commandFailure(`"${tool}" gave no answer in ${timeoutMs} ms`, { cause: error, hint: 'Wait longer with --timeout <ms>' });
    // A gateway of our own may only just be learning what its upstreams offer.
    if (access.source !== 'in-process' || error.code !== 'UNKNOWN_NAME') throw error;
    await access.settle();
    return ask();
  }
}

function showProgress({ method, params }: Notification, { terminal }: CommandContext): void {
  if (method !== 'notifications/progress') return;
  const { progress, total, message } = params?.object ?? {};
  if (typeof progress !== 'number') return;
  const share = typeof total === 'number' && total > 0 ? `${progress}/${total}` : String(progress);
  terminal.note(terminal.notePaint.dim(`  ${share}${typeof message === 'string' ? `  ${toSafeLine(message)}` : ''}`));
}

/** What a tool returned, as text: its texts as they are, of everything else one line that says what it is. */
export function renderResult({ content, structuredContent }: Readonly<Record<string, unknown>>): string {
  const blocks = Array.isArray(content) ? (content as unknown[]).filter(isObject) : [];
  if (blocks.length === 0 && structuredContent !== undefined) return JSON.stringify(structuredContent, undefined, 2);
  return blocks.map(renderBlock).join('\n');
}

function renderBlock(block: Readonly<Record<string, unknown>>): string {
  const { type, text, data, mimeType, uri, name, resource } = block;
  if (type === 'text') return String(text ?? '');
  if (type === 'image' || type === 'audio')
    return `[${type} ${String(mimeType)}, ${sizeText(Buffer.byteLength(String(data ?? ''), 'base64'))}]`;
  if (type === 'resource_link') return `[resource ${String(uri)}${typeof name === 'string' ? ` "${name}"` : ''}]`;
  if (type === 'resource' && isObject(resource)) {
    return typeof resource['text'] === 'string'
      ? resource['text']
      : `[resource ${String(resource['uri'])}, ${sizeText(Buffer.byteLength(String(resource['blob'] ?? ''), 'base64'))}]`;
  }
  return JSON.stringify(block);
}
