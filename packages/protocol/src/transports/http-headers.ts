import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '@signalbox/core';
import type { Message, RequestMessage } from '../messages/message.ts';
import { NAMED_METHODS } from '../revisions/revisions.ts';

/** Which media types an answer may have. */
export interface Accepted {
  readonly json: boolean;
  readonly events: boolean;
}

const EVERYTHING: Accepted = { json: true, events: true };

/** Reads an `Accept` header. A client that sends none takes anything. */
export function readAccept(accept: string | undefined): Accepted {
  if (accept === undefined || accept === USUAL_ACCEPT) return EVERYTHING;
  const types = new Set<string>();
  for (const range of accept.toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';');
    if (!parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(parameter))) types.add(type!.trim());
  }
  const any = types.has('*/*');
  return {
    json: any || types.has('application/json') || types.has('application/*'),
    events: any || types.has('text/event-stream') || types.has('text/*'),
  };
}

const USUAL_ACCEPT = 'application/json, text/event-stream';

/** Makes sure that a body is plain JSON in UTF-8. @throws GatewayError `UNSUPPORTED_MEDIA_TYPE` */
export function checkContent(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type !== 'application/json' && !isJson(type)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Cannot read a body that is not "application/json" in UTF-8');
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Cannot read a compressed body');
  }
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  const [type, ...parameters] = contentType.toLowerCase().split(';');
  return (
    type!.trim() === 'application/json' &&
    parameters.every((parameter) => !/^\s*charset\s*=/.test(parameter) || /^\s*charset\s*=\s*"?utf-?8"?\s*$/.test(parameter))
  );
}

/**
 * Makes sure that the headers a modern client repeats from its message say what the message says, as others on the way
 * may have decided on the headers. Notifications may leave them out.
 * @throws GatewayError `HEADER_MISMATCH`
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports#standard-request-headers
 */
export function checkMirrored(headers: IncomingHttpHeaders, message: Exclude<Message, { kind: 'response' }>): void {
  const method = textOf(headers['mcp-method']);
  if (method === undefined ? message.kind === 'request' : method !== message.method) {
    throw new GatewayError(
      'HEADER_MISMATCH',
      `Cannot accept a request whose Mcp-Method header is not the method "${message.method.slice(0, 100)}" of its body`,
    );
  }
  if (message.kind === 'request') checkName(headers, message);
}

function checkName(headers: IncomingHttpHeaders, message: RequestMessage): void {
  const member = NAMED_METHODS.get(message.method);
  const named: unknown = member === undefined ? undefined : message.params.get(member)?.value;
  if (typeof named !== 'string') return;
  const header = textOf(headers['mcp-name']);
  if (header === undefined || decodeHeader(header) !== named) {
    throw new GatewayError('HEADER_MISMATCH', `Cannot accept a request whose Mcp-Name header is not the "${member}" of its body`);
  }
}

const PARAM_PREFIX = 'mcp-param-';
const NONE: ReadonlyMap<string, string> = new Map();

/** Reads the arguments a modern client repeats in headers, decoded, by what follows `Mcp-Param-`. @throws GatewayError `HEADER_MISMATCH` */
export function readMirrored(headers: IncomingHttpHeaders): ReadonlyMap<string, string> {
  let found: Map<string, string> | undefined;
  for (const name in headers) {
    if (!name.startsWith(PARAM_PREFIX)) continue;
    const text = decodeHeader(textOf(headers[name]) ?? '');
    if (text === undefined)
      throw new GatewayError('HEADER_MISMATCH', `Cannot accept a header "${name}" that is not what it says it is: base64 of UTF-8`);
    (found ??= new Map()).set(name.slice(PARAM_PREFIX.length), text);
  }
  return found ?? NONE;
}

/** Makes sure that the version header says what the message claims. @throws GatewayError `HEADER_MISMATCH` */
export function checkVersion(header: string | undefined, claim: string): void {
  if (header === claim) return;
  throw new GatewayError(
    'HEADER_MISMATCH',
    `Cannot accept a request whose MCP-Protocol-Version header is not the revision "${claim.slice(0, 40)}" of its body`,
  );
}

/** The text a header stands for: base64 between `=?base64?` and `?=`, otherwise itself. `undefined` when it is neither. */
export function decodeHeader(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value;
  const encoded = value.slice('=?base64?'.length, -'?='.length);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

/** A header's value without surrounding white space. */
export function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value.trim() : value?.join(', ');
}
