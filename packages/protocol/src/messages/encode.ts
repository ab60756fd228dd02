import { RawJson, exactJson, type Outcome, type Params, type RpcError } from '@signalbox/core';
import { MessageParams } from './message-params.ts';

const RESULT = Buffer.from(',"result":');
const END = Buffer.from('}');
const CLOSE_BRACE = 0x7d;
/** What is the same as JSON text. */
const PLAIN = /^[\w/.-]*$/;

/** Writes a request. `id` is JSON text: a number, or a string in quotes. Params that are passed on as they came are not written anew. */
export function encodeRequest(id: string, method: string, params: Params | undefined): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${quote(method)}`;
  if (params === undefined) return Buffer.from(`${head}}`);
  return params instanceof MessageParams ? wrap(`${head},"params":`, params.bytes) : encodeWithParams(head, params);
}

/** Writes a notification. */
export function encodeNotification(method: string, params?: RawJson): Buffer {
  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`;
  return params === undefined ? Buffer.from(`${head}}`) : wrap(`${head},"params":`, params.bytes);
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
  return `{"jsonrpc":"2.0","id":${id.bytes.toString('latin1')},"result":${result.bytes.toString('latin1')}}`;
}

/** JSON text without line ends. They can only stand between tokens, so a space says the same. */
export function toOneLine(json: Buffer): Buffer {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json;
  const copy = Buffer.from(json);
  for (let index = 0; index < copy.length; index++) if (copy[index] === 0x0a || copy[index] === 0x0d) copy[index] = 0x20;
  return copy;
}

/** A copy of `params` with some members replaced or added; `undefined` removes one. Order is kept, new ones come last. */
export function withParams(params: Params, changes: Readonly<Record<string, RawJson | undefined>>): Params {
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

// Copies the bytes between a head and the closing brace of a message.
function wrap(head: string, bytes: Buffer): Buffer {
  const start = Buffer.byteLength(head);
  const message = Buffer.allocUnsafe(start + bytes.length + 1);
  message.write(head);
  bytes.copy(message, start);
  message[message.length - 1] = CLOSE_BRACE;
  return message;
}

function quote(method: string): string {
  return PLAIN.test(method) ? `"${method}"` : JSON.stringify(method);
}
