import {
  GatewayError,
  RawJson,
  isObject,
  keepExactText,
  type ErrorOutcome,
  type Notification,
  type Params,
  type ResultOutcome,
  type RpcError,
} from '@signalbox/core';
import { MODERN_MEMBERS } from '../revisions/revisions.ts';
import { walkMembers, type MemberWalk } from './member-walk.ts';
import { MessageParams, isNumeric } from './message-params.ts';
import { readPlainAnswer } from './plain-answer.ts';
import { Scanner } from './scan.ts';
import { readString } from './string-value.ts';

/** A request's id exactly as the other side wrote it; `value` is a string or a number. */
export type RequestId = RawJson;

export interface RequestMessage {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: Params;
}

export interface NotificationMessage extends Notification {
  readonly kind: 'notification';
}

/** An answer. `id` is `undefined` when the other side could not read ours. */
export interface ResponseMessage {
  readonly kind: 'response';
  readonly id: RequestId | undefined;
  /** Without the revision, which only the connection knows. */
  readonly outcome: Omit<ResultOutcome, 'revision'> | ErrorOutcome;
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage;

export interface DecodeLimits {
  /** Deepest nesting of arrays and objects. */
  readonly maxDepth: number;
}

const NO_PARAMS: Params = new Map();

/**
 * Reads a message from an untrusted client: the whole text must be JSON, no object may name a member twice, and the
 * nesting is bounded, so that what we decide on is what the upstream will read.
 * @throws GatewayError `PARSE_ERROR` for text that is not JSON, `INVALID_REQUEST` for JSON that is no single message.
 */
export function decodeStrict(bytes: Buffer, limits: DecodeLimits): Message {
  const value = parseJson(decodeUtf8(bytes));
  if (Array.isArray(value)) throw new GatewayError('INVALID_REQUEST', 'Cannot accept a batch: send one message per request');
  if (!isObject(value)) throw new GatewayError('INVALID_REQUEST', 'Cannot accept a message that is not a JSON object');
  const names = Object.keys(value);
  const walk = walkMembers(bytes, isObject(value['params']) ? names.indexOf('params') : -1);
  if (walk.deepest > limits.maxDepth) {
    throw new GatewayError('INVALID_REQUEST', `Cannot accept a message nested deeper than ${limits.maxDepth} levels`);
  }
  if (walk.members !== countMembers(value)) throw new GatewayError('INVALID_REQUEST', 'Cannot accept an object that names a member twice');
  return readRequest(bytes, value, names, walk) ?? toMessage(scanMessage(bytes), value);
}

/** Length of the version as it must be written. */
const VERSION_LENGTH = '"2.0"'.length;

// Pairs names with places by their order, so it must be the order of the text: names that are numbers come first in objects.
function readRequest(
  bytes: Buffer,
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
  { outer, inner }: MemberWalk,
): RequestMessage | undefined {
  const { jsonrpc, id, method, params } = value;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !(isObject(params) || params === undefined)) return undefined;
  if (!(typeof id === 'string' || Number.isSafeInteger(id)) || names.some(isNumeric)) return undefined;
  const version = 2 * names.indexOf('jsonrpc');
  if (outer[version + 1]! - outer[version]! !== VERSION_LENGTH) return undefined;
  const at = 2 * names.indexOf('id');
  const raw = RawJson.fromParsed(bytes.subarray(outer[at], outer[at + 1]), id);
  if (!isRequestId(raw)) return undefined;
  if (params === undefined) return { kind: 'request', id: raw, method, params: NO_PARAMS };
  const members = Object.keys(params);
  if (members.some(isNumeric)) return undefined;
  const place = 2 * names.indexOf('params');
  const text = { bytes, start: outer[place]!, end: outer[place + 1]!, value: params, names: members, places: inner };
  return { kind: 'request', id: raw, method, params: new MessageParams(text) };
}

/**
 * Reads a message from an upstream. Only its frame is looked at: a result stays bytes.
 * @throws GatewayError `UPSTREAM_PROTOCOL` when it is no message.
 */
export function decodeFrame(bytes: Buffer): Message {
  try {
    return readPlainAnswer(bytes) ?? toMessage(scanMessage(bytes), undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('UPSTREAM_PROTOCOL', `Cannot read a message: ${reason}; it begins with ${preview(bytes)}`, { cause: error });
  }
}

/** The id of a message that was refused as a whole, in its own bytes, so that its sender can tell which; `undefined` when it has none to be read. */
export function readableId(bytes: Buffer): RequestId | undefined {
  try {
    // The scanner checks no tokens, so the text has to be JSON first.
    if (!isObject(JSON.parse(decodeUtf8(bytes)))) return undefined;
  } catch {
    return undefined;
  }
  return knownId(scanMessage(bytes).id);
}

/** The first bytes of a message for an error text: one line, bounded, printable. */
export function preview(bytes: Buffer): string {
  const text = bytes.toString('utf8', 0, 120).replace(/[^\x20-\x7e]/g, '.');
  return JSON.stringify(bytes.length > 120 ? `${text}…` : text);
}

interface MessageParts {
  id: RawJson | undefined;
  method: string | undefined;
  version: boolean;
  params: Map<string, RawJson> | undefined;
  paramsBytes: Buffer | undefined;
  paramsIsObject: boolean;
  result: RawJson | undefined;
  error: RawJson | undefined;
  isError: boolean;
  resultType: string;
  modernMembers: number[];
  hasLooseContent: boolean;
}

function scanMessage(bytes: Buffer): MessageParts {
  const scanner = new Scanner(bytes);
  const parts: MessageParts = {
    id: undefined,
    method: undefined,
    version: false,
    params: undefined,
    paramsBytes: undefined,
    paramsIsObject: true,
    result: undefined,
    error: undefined,
    isError: false,
    resultType: 'complete',
    modernMembers: [],
    hasLooseContent: false,
  };
  const slice = (from: number, to: number) => RawJson.fromBytes(bytes.subarray(from, to));
  const end = scanner.scanObject(scanner.skipSpace(0), (key, start) => {
    if (key === 'params' && bytes[start] === 0x7b) {
      const members = (parts.params = new Map());
      const after = scanner.scanObject(start, (name, from) => {
        const to = scanner.passValue(from);
        members.set(name, slice(from, to));
        return to;
      });
      parts.paramsBytes = bytes.subarray(start, after);
      return after;
    }
    if (key === 'result' && bytes[start] === 0x7b) {
      const after = scanner.scanObject(start, (name, from, nameStart) => {
        const to = scanner.passValue(from);
        if (MODERN_MEMBERS.has(name)) parts.modernMembers.push(nameStart - start, to - start);
        if (name === 'isError') parts.isError = bytes[from] === 0x74;
        else if (name === 'structuredContent') parts.hasLooseContent = bytes[from] !== 0x7b;
        else if (name === 'resultType') parts.resultType = bytes[from] === 0x22 ? readString(bytes, from, to) : 'complete';
        return to;
      });
      parts.result = slice(start, after);
      return after;
    }
    const after = scanner.passValue(start);
    if (key === 'id') parts.id = slice(start, after);
    else if (key === 'method') parts.method = bytes[start] === 0x22 ? String(JSON.parse(bytes.toString('utf8', start, after))) : undefined;
    else if (key === 'jsonrpc') parts.version = bytes.toString('latin1', start, after) === '"2.0"';
    else if (key === 'params') parts.paramsIsObject = false;
    else if (key === 'result') parts.result = slice(start, after);
    else if (key === 'error') parts.error = slice(start, after);
    return after;
  });
  if (scanner.skipSpace(end) !== bytes.length) throw new SyntaxError(`Unexpected text after the message at byte ${end}`);
  return parts;
}

function toMessage(parts: MessageParts, value: Record<string, unknown> | undefined): Message {
  if (!parts.version) throw new GatewayError('INVALID_REQUEST', 'Cannot accept a message whose "jsonrpc" is not "2.0"');
  if (parts.method !== undefined) {
    if (!parts.paramsIsObject) throw new GatewayError('INVALID_REQUEST', 'Cannot accept "params" that is not an object');
    if (parts.id === undefined) return { kind: 'notification', method: parts.method, params: toWhole(parts, value) };
    if (!isRequestId(parts.id)) throw new GatewayError('INVALID_REQUEST', 'Cannot accept an "id" that is neither text nor an integer');
    return { kind: 'request', id: parts.id, method: parts.method, params: toParams(parts, value) };
  }
  if (parts.result !== undefined && parts.error === undefined) {
    return {
      kind: 'response',
      id: knownId(parts.id),
      outcome: {
        kind: 'result',
        result: parts.result,
        isError: parts.isError,
        resultType: parts.resultType,
        modernMembers: parts.modernMembers,
        hasLooseContent: parts.hasLooseContent,
      },
    };
  }
  if (parts.error !== undefined && parts.result === undefined) {
    return { kind: 'response', id: knownId(parts.id), outcome: { kind: 'error', error: toRpcError(parts.error) } };
  }
  throw new GatewayError('INVALID_REQUEST', 'Cannot accept a message that has neither a "method" nor exactly one of "result" and "error"');
}

function toWhole(parts: MessageParts, value: Record<string, unknown> | undefined): RawJson | undefined {
  if (parts.paramsBytes === undefined) return undefined;
  return value === undefined ? RawJson.fromBytes(parts.paramsBytes) : RawJson.fromParsed(parts.paramsBytes, value['params']);
}

// The values are known already when the whole text was parsed; pairing them with their bytes saves a second parse.
function toParams(parts: MessageParts, value: Record<string, unknown> | undefined): Params {
  if (parts.params === undefined) return NO_PARAMS;
  const params = value?.['params'];
  if (!isObject(params)) return parts.params;
  for (const [name, raw] of parts.params) parts.params.set(name, RawJson.fromParsed(raw.bytes, params[name]));
  return parts.params;
}

function knownId(id: RawJson | undefined): RequestId | undefined {
  return id !== undefined && isRequestId(id) ? id : undefined;
}

function isRequestId(id: RawJson): boolean {
  const first = id.bytes[0]!;
  if (first === 0x22) return true;
  return /^-?\d{1,40}$/.test(id.bytes.toString('latin1', 0, 41));
}

function toRpcError(raw: RawJson): RpcError {
  const error = raw.object;
  if (error === undefined || typeof error['code'] !== 'number')
    return { code: -32603, message: 'The server refused without saying why', data: raw.value };
  const message = typeof error['message'] === 'string' ? error['message'] : '';
  const read = error['data'] === undefined ? { code: error['code'], message } : { code: error['code'], message, data: error['data'] };
  keepExactText(read, raw.bytes.toString('utf8'));
  return read;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new GatewayError('PARSE_ERROR', 'Cannot read the message: it is not valid UTF-8', { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GatewayError('PARSE_ERROR', `Cannot read the message: ${error instanceof Error ? error.message : 'it is not JSON'}`, {
      cause: error,
    });
  }
}

// JSON.parse keeps the last of two members of one name, so an object that names one twice has fewer than the text.
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countMembers(element);
    return count;
  }
  for (const key of Object.keys(value)) {
    count++;
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'object') count += countMembers(member);
  }
  return count;
}
