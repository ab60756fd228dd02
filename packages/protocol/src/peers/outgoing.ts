import { Cancellation, RawJson, type ClientProfile, type Implementation, type Params } from '@signalbox/core';
import { encodeRequest, withParams } from '../messages/encode.ts';
import { Scanner } from '../messages/scan.ts';
import { META, MODERN_REVISION } from '../revisions/revisions.ts';
import type { OutgoingRequest } from './peer.ts';

// What one hop says to the next. A client's own values never go through; all other members of `_meta` do, as bytes.
const HOP_MEMBERS = new Set<string>([...Object.values(META), 'progressToken']);

/** Writes a request for a server of the handshake generation: without the members of `_meta` it would not know. */
export function encodeHandshakeRequest(id: number, request: OutgoingRequest): Buffer {
  const { params } = request;
  const meta = params.get('_meta');
  if (meta === undefined && !request.wantsProgress) return encodeRequest(String(id), request.method, params);
  return encodeRequest(String(id), request.method, replaceMeta(params, meta, request.wantsProgress ? `"progressToken":${id}` : ''));
}

/** Returns the writer of requests for a modern server: each names revision, client and capabilities itself. */
export function createModernEncoder(own: Implementation): (id: number, request: OutgoingRequest) => Buffer {
  const prefixes = new WeakMap<Implementation, string>();
  const prefixOf = (info: Implementation) => {
    let prefix = prefixes.get(info);
    if (prefix === undefined) {
      prefix = `"${META.protocolVersion}":"${MODERN_REVISION}","${META.clientInfo}":${JSON.stringify(info)},"${META.clientCapabilities}":{}`;
      prefixes.set(info, prefix);
    }
    return prefix;
  };
  return (id, request) => {
    const { params, client } = request;
    let members = prefixOf(client.info ?? own);
    if (client.logLevel !== 'off') members += `,"${META.logLevel}":"${client.logLevel}"`;
    if (request.wantsProgress) members += `,"progressToken":${id}`;
    return encodeRequest(String(id), request.method, replaceMeta(params, params.get('_meta'), members));
  };
}

/** A request of our own, which no client asked for. */
export function ownRequest(
  method: string,
  options: { readonly params: Params; readonly info: Implementation; readonly timeoutMs: number },
): OutgoingRequest {
  const client: ClientProfile = { revision: MODERN_REVISION, info: options.info, capabilities: {}, logLevel: 'off' };
  const { params, timeoutMs } = options;
  return { method, params, client, cancellation: new Cancellation(), timeoutMs, emit: undefined, wantsProgress: false };
}

export const NO_PARAMS: Params = new Map();

function replaceMeta(params: Params, meta: RawJson | undefined, members: string): Params {
  const next = rewriteMeta(meta, members);
  return next === meta ? params : withParams(params, { _meta: next });
}

// `undefined` when nothing is left of a `_meta` that only spoke of the hop before.
function rewriteMeta(meta: RawJson | undefined, members: string): RawJson | undefined {
  if (meta === undefined || meta.bytes[0] !== 0x7b) return members === '' ? meta : RawJson.fromBytes(Buffer.from(`{${members}}`));
  const { bytes } = meta;
  const scanner = new Scanner(bytes);
  const kept: Buffer[] = [];
  let lead = members === '' ? '{' : `{${members},`;
  let dropped = false;
  scanner.scanObject(0, (name, start) => {
    const end = scanner.skipValue(start);
    if (HOP_MEMBERS.has(name)) dropped = true;
    else {
      kept.push(Buffer.from(`${lead}${JSON.stringify(name)}:`), bytes.subarray(start, end));
      lead = ',';
    }
    return end;
  });
  if (!dropped && members === '') return meta;
  if (kept.length === 0) return members === '' ? undefined : RawJson.fromBytes(Buffer.from(`{${members}}`));
  kept.push(Buffer.from('}'));
  return RawJson.fromBytes(Buffer.concat(kept));
}
