import {
  Cancellation,
  OWN_PRINCIPAL,
  RawJson,
  type ClientProfile,
  type Implementation,
  type Notification,
  type Params,
} from '@signalbox/core';
import { encodeNotification, encodeRequest, withParams } from '../messages/encode.ts';
import { readMember, withMember, withoutMember } from '../messages/members.ts';
import { Scanner } from '../messages/scan.ts';
import { META, MODERN_REVISION } from '../revisions/revisions.ts';
import { TASKS_EXTENSION } from '../tasks/task-support.ts';
import { askableCapabilities } from './capabilities.ts';
import type { OutgoingRequest } from './peer.ts';

// What one hop says to the next. A client's own values never go through; all other members of `_meta` do, as bytes.
const HOP_MEMBERS: ReadonlySet<string> = new Set<string>([...Object.values(META), 'progressToken']);

/** Writes a request for a server of the handshake generation: without the members of `_meta` it would not know. */
export function encodeHandshakeRequest(id: number, request: OutgoingRequest): Buffer {
  const { params } = request;
  const meta = params.get('_meta');
  if (meta === undefined && !request.wantsProgress) return encodeRequest(String(id), request.method, params);
  const members = request.wantsProgress ? `"progressToken":${id}` : '';
  return encodeRequest(String(id), request.method, replaceMeta(params, meta, { members, dropped: HOP_MEMBERS }));
}

/**
 * Returns the writer of requests for a modern server: each names revision, client and capabilities itself. What a modern
 * client says of itself goes on as it is, so that the server asks it for what it can give. For a handshake client what it
 * can be asked is announced, as the server's questions are brought to it, and that it takes a task when it asked for one.
 */
export function createModernEncoder(own: Implementation): (id: number, request: OutgoingRequest) => Buffer {
  // Sessions keep one and the same object, so it is written once.
  const written = new WeakMap<object, { readonly info: Implementation; readonly text: string }>();
  const introduce = ({ info = own, capabilities }: ClientProfile, isAskable: boolean) => {
    const key = isAskable ? capabilities : info;
    let entry = written.get(key);
    if (entry?.info !== info)
      written.set(key, (entry = { info, text: introduction(info, isAskable ? askableCapabilities(capabilities) : {}) }));
    return entry.text;
  };
  const usual = new WeakMap<ClientProfile, { readonly isAskable: boolean; readonly meta: RawJson }>();
  const usualMeta = (client: ClientProfile, isAskable: boolean): RawJson => {
    let entry = usual.get(client);
    if (entry?.isAskable !== isAskable) {
      const members = [introduce(client, isAskable), levelOf(client)];
      usual.set(client, (entry = { isAskable, meta: RawJson.fromBytes(Buffer.from(`{${join(members)}}`)) }));
    }
    return entry.meta;
  };
  return (id, request) => {
    const { params, client } = request;
    const meta = params.get('_meta');
    if (meta === undefined && !request.wantsProgress && request.offersTask !== true) {
      return encodeRequest(String(id), request.method, withParams(params, { _meta: usualMeta(client, request.ask !== undefined) }));
    }
    const progress = request.wantsProgress ? `"progressToken":${id}` : '';
    if (meta?.object?.[META.protocolVersion] === MODERN_REVISION)
      return encodeRequest(String(id), request.method, replaceMeta(params, meta, { members: progress, dropped: OWN_TOKEN }));
    const isAskable = request.ask !== undefined;
    const members = [
      request.offersTask === true
        ? introduction(client.info ?? own, { ...(isAskable ? askableCapabilities(client.capabilities) : {}), extensions: TAKES_TASKS })
        : introduce(client, isAskable),
      levelOf(client),
      progress,
    ];
    return encodeRequest(String(id), request.method, replaceMeta(params, meta, { members: join(members), dropped: HOP_MEMBERS }));
  };
}

/** Writes a notification for a server of the handshake generation. */
export function encodeHandshakeNotification({ method, params }: Notification): Buffer {
  return encodeNotification(method, changeMetaIn(params, { members: '', dropped: HOP_MEMBERS }));
}

/** Writes what a client says for a modern server, which has to know whose word it is. `own` is who speaks for a client without a name. */
export function encodeModernNotification({ method, params }: Notification, client: ClientProfile, own: Implementation): Buffer {
  const meta = params && readMember(params, '_meta')?.object;
  if (meta?.[META.protocolVersion] === MODERN_REVISION) return encodeNotification(method, params);
  return encodeNotification(method, changeMetaIn(params, { members: introduction(client.info ?? own, {}), dropped: HOP_MEMBERS }));
}

function levelOf({ logLevel }: ClientProfile): string {
  return logLevel === 'off' ? '' : `"${META.logLevel}":"${logLevel}"`;
}

const OWN_TOKEN: ReadonlySet<string> = new Set(['progressToken']);
const TAKES_TASKS = { [TASKS_EXTENSION]: {} };

function introduction(info: Implementation, capabilities: ClientProfile['capabilities']): string {
  return `"${META.protocolVersion}":"${MODERN_REVISION}","${META.clientInfo}":${JSON.stringify(info)},"${META.clientCapabilities}":${JSON.stringify(capabilities)}`;
}

function join(members: readonly string[]): string {
  return members.filter((member) => member !== '').join(',');
}

/** A request of our own, which no client asked for. */
export function ownRequest(
  method: string,
  options: { readonly params: Params; readonly info: Implementation; readonly timeoutMs: number },
): OutgoingRequest {
  const client: ClientProfile = { revision: MODERN_REVISION, info: options.info, capabilities: {}, logLevel: 'off' };
  const { params, timeoutMs } = options;
  return {
    method,
    params,
    client,
    principal: OWN_PRINCIPAL,
    cancellation: new Cancellation(),
    timeoutMs,
    emit: undefined,
    wantsProgress: false,
    // Who wants to hear of tasks has to say that it knows them.
    offersTask: method === 'subscriptions/listen',
  };
}

export const NO_PARAMS: Params = new Map();

interface MetaChange {
  /** Members put in front of the others, as JSON text without braces. */
  readonly members: string;
  readonly dropped: ReadonlySet<string>;
}

function replaceMeta(params: Params, meta: RawJson | undefined, change: MetaChange): Params {
  const next = rewriteMeta(meta, change);
  return next === meta ? params : withParams(params, { _meta: next });
}

function changeMetaIn(params: RawJson | undefined, change: MetaChange): RawJson | undefined {
  const meta = params && readMember(params, '_meta');
  const next = rewriteMeta(meta, change);
  if (next === meta) return params;
  return next === undefined ? withoutMember(params!, '_meta') : withMember(params, '_meta', next);
}

// `undefined` when nothing is left of a `_meta` that only spoke of the hop before.
function rewriteMeta(meta: RawJson | undefined, { members, dropped }: MetaChange): RawJson | undefined {
  if (meta === undefined || meta.bytes[0] !== 0x7b) return members === '' ? meta : RawJson.fromBytes(Buffer.from(`{${members}}`));
  const names = Object.keys(meta.object ?? {});
  if (members === '' && !names.some((name) => dropped.has(name))) return meta;
  if (names.every((name) => dropped.has(name))) return members === '' ? undefined : RawJson.fromBytes(Buffer.from(`{${members}}`));
  const { bytes } = meta;
  const scanner = new Scanner(bytes);
  const kept: Buffer[] = [];
  let lead = members === '' ? '{' : `{${members},`;
  scanner.scanObject(0, (name, start) => {
    const end = scanner.skipValue(start);
    if (!dropped.has(name)) {
      kept.push(Buffer.from(`${lead}${JSON.stringify(name)}:`), bytes.subarray(start, end));
      lead = ',';
    }
    return end;
  });
  kept.push(Buffer.from('}'));
  return RawJson.fromBytes(Buffer.concat(kept));
}
