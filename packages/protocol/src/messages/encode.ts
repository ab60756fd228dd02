import { RawJson, exactJson, type Outcome, type Params, type RpcError } from '@signalbox/core';
import { removeLineEnds } from './lines.ts';
import { MessageParams } from './message-params.ts';
import { Scanner } from './scan.ts';

const RESULT = Buffer.from(',"result":');
const END = Buffer.from('}');
const CLOSE_BRACE = 0x7d;
/** What is the same as JSON text. */
const PLAIN = /^[\w/.-]*$/;

/** Writes a request. `id` is JSON text: a number, or a string in quotes. Params that are passed on as they came are not written anew. */
export function encodeRequest(id: string, method: string, params: Params | undefined): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${quote(method)}`;
  if (params === undefined) return Buffer.from(`${head}}`);
  return params instanceof MessageParams ? wrap(`${head},"params":`, params.pieces) : encodeWithParams(head, params);
}

/** Writes a notification. */
export function encodeNotification(method: string, params?: RawJson): Buffer {
  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`;
  return params === undefined ? Buffer.from(`${head}}`) : wrap(`${head},"params":`, [params.bytes]);
}

/** Writes the answer to the request with that id. The result's bytes are passed on as they are. */
export function encodeResult(id: RawJson, result: RawJson): Buffer {
  return Buffer.concat([encodeResultHead(id), result.bytes, END]);
}

/** The bytes in front of a result, for writers that send the three parts one by one; `RESULT_END` closes the message. */
export function encodeResultHead(id: RawJson): Buffer {
  return Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), id.bytes, RESULT]);
}

export const RESULT_END: Buffer = END;

/** Writes a refusal. Without an id when the request's own could not be read. */
export function encodeError(id: RawJson | undefined, error: RpcError): Buffer {
  return Buffer.concat([
    Buffer.from('{"jsonrpc":"2.0","id":'),
    id === undefined ? Buffer.from('null') : id.bytes,
    Buffer.from(`,"error":${exactJson(error)}}`),
  ]);
}

/** Writes an outcome as the answer to the request with that id. */
export function encodeOutcome(id: RawJson, outcome: Outcome): Buffer {
  return outcome.kind === 'result' ? encodeResult(id, outcome.result) : encodeError(id, outcome.error);
}

/** The same for a result as text in which each character is one byte. */
export function encodeResultText(id: RawJson, result: RawJson): string {
  let text = `{"jsonrpc":"2.0","id":${id.bytes.toString('latin1')},"result":`;
  for (const part of result.parts) text += part.toString('latin1');
  return `${text}}`;
}

/** JSON text without line ends. They can only stand between tokens, so a space says the same. */
export function toOneLine(json: Buffer): Buffer {
  return json.includes(0x0a) || json.includes(0x0d) ? removeLineEnds(Buffer.from(json)) : json;
}

/** A copy of `params` with some members replaced or added; `undefined` removes one. Order is kept, new ones come last. */
export function withParams(params: Params, changes: Readonly<Record<string, RawJson | undefined>>): Params {
  if (params instanceof MessageParams) return params.with(changes);
  const next = new Map(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) next.delete(name);
    else next.set(name, value);
  }
  return next;
}

/** All params as one JSON object. */
export function joinParams(params: Params): RawJson {
  const parts: Buffer[] = [];
  for (const [name, value] of params) parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}${JSON.stringify(name)}:`), value.bytes);
  return RawJson.fromBytes(Buffer.concat([...(parts.length === 0 ? [Buffer.from('{')] : parts), END]));
}

/** The members of one JSON object as params. */
export function splitParams(object: RawJson | undefined): Params {
  const params = new Map<string, RawJson>();
  if (object === undefined) return params;
  const { bytes } = object;
  const scanner = new Scanner(bytes);
  scanner.scanObject(0, (name, start) => {
    const end = scanner.skipValue(start);
    params.set(name, RawJson.fromBytes(bytes.subarray(start, end)));
    return end;
  });
  return params;
}

/** Builds params from plain values; members that are `undefined` are left out. */
export function toParams(values: Readonly<Record<string, unknown>>): Params {
  const params = new Map<string, RawJson>();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) params.set(name, RawJson.fromValue(value));
  return params;
}

function encodeWithParams(head: string, params: Params): Buffer {
  const parts: Buffer[] = [];
  let text = `${head},"params":{`;
  let first = true;
  for (const [name, value] of params) {
    text += first ? `${JSON.stringify(name)}:` : `,${JSON.stringify(name)}:`;
    first = false;
    parts.push(Buffer.from(text), value.bytes);
    text = '';
  }
  parts.push(Buffer.from(`${text}}}`));
  return Buffer.concat(parts);
}

// Copies pieces between a head and the closing brace of a message.
function wrap(head: string, pieces: readonly Buffer[]): Buffer {
  let at = Buffer.byteLength(head);
  const message = Buffer.allocUnsafe(pieces.reduce((length, piece) => length + piece.length, at + 1));
  message.write(head);
  for (const piece of pieces) at += piece.copy(message, at);
  message[at] = CLOSE_BRACE;
  return message;
}

function quote(method: string): string {
  return PLAIN.test(method) ? `"${method}"` : JSON.stringify(method);
}
