import { Cancellation, RawJson } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { META } from '../revisions/revisions.ts';
import { createModernEncoder, encodeHandshakeNotification, encodeHandshakeRequest, encodeModernNotification } from './outgoing.ts';
import type { OutgoingRequest } from './peer.ts';

const own = { name: 'signalbox', version: '1' };

function request(params: ReadonlyMap<string, RawJson>, extra: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const client = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  return {
    method: 'tools/call',
    params,
    client,
    cancellation: new Cancellation(),
    timeoutMs: 1,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
    ...extra,
  };
}

const raw = (text: string) => RawJson.fromBytes(Buffer.from(text));
const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as { params: { _meta?: Record<string, unknown> } };

test('without members of `_meta` to change, the bytes of a handshake request are those of its params', () => {
  const params = new Map([
    ['name', raw('"a"')],
    ['arguments', raw('{"big":12345678901234567890,"s":" \\u00e9"}')],
    ['_meta', raw('{ "trace" : 1.0 }')],
  ]);
  expect(encodeHandshakeRequest(3, request(params)).toString()).toBe(
    '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","arguments":{"big":12345678901234567890,"s":" \\u00e9"},"_meta":{ "trace" : 1.0 }}}',
  );
});

test('our own progress token replaces the caller’s, and is left out when nobody listens', () => {
  const params = new Map([['_meta', raw('{"progressToken":"theirs","x":1}')]]);
  expect(parse(encodeHandshakeRequest(9, request(params, { wantsProgress: true }))).params._meta).toEqual({ progressToken: 9, x: 1 });
  expect(parse(encodeHandshakeRequest(9, request(params))).params._meta).toEqual({ x: 1 });
  expect(parse(encodeHandshakeRequest(9, request(new Map([['_meta', raw('{"progressToken":1}')]])))).params).toEqual({});
});

test('a client that does not say who it is is introduced as the gateway', () => {
  const meta = parse(createModernEncoder(own)(1, request(new Map()))).params._meta;
  expect(meta).toEqual({ [META.protocolVersion]: '2026-07-28', [META.clientInfo]: own, [META.clientCapabilities]: {} });
});

test('every other member of `_meta` reaches either generation unchanged and in order', () => {
  const isOwn = (name: string) => name === 'progressToken' || (Object.values(META) as string[]).includes(name);
  const member = fc.oneof(fc.string(), fc.constantFrom('progressToken', ...Object.values(META)));
  const encoders = [encodeHandshakeRequest, createModernEncoder(own)];
  fc.assert(
    fc.property(fc.dictionary(member, fc.jsonValue()), fc.constantFrom(...encoders), fc.boolean(), (meta, encode, wantsProgress) => {
      const sent = parse(encode(5, request(new Map([['_meta', raw(JSON.stringify(meta))]]), { wantsProgress }))).params._meta ?? {};
      const rest = (value: object) => JSON.stringify(Object.entries(value).filter(([name]) => !isOwn(name)));
      expect(rest(sent)).toBe(rest(JSON.parse(JSON.stringify(meta)) as object));
      expect(sent['progressToken']).toBe(wantsProgress ? 5 : undefined);
    }),
  );
});

test('what a modern client says of itself reaches a modern server as the bytes it sent', () => {
  const meta = (capabilities: string) =>
    `{"${META.protocolVersion}":"2026-07-28","${META.clientInfo}":{"name":"c","version":"1.0"},"${META.clientCapabilities}":${capabilities},"x":1.0}`;
  const client = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  for (const capabilities of [
    '{"elicitation":{"form":{}}}',
    '{"roots":{},"extensions":{"io.modelcontextprotocol/tasks":{},"vendor/x":{"a":1.0}}}',
  ]) {
    const sent = createModernEncoder(own)(1, request(new Map([['_meta', raw(meta(capabilities))]]), { client })).toString();
    expect(sent).toContain(`"params":{"_meta":${meta(capabilities)}}`);
  }
});

test('a handshake client is said to take tasks only when it asked for one', () => {
  const client = { revision: '2025-11-25', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  const declared = (offersTask?: boolean) => {
    const sent = JSON.parse(createModernEncoder(own)(1, request(new Map(), { client, offersTask })).toString()) as {
      params: { _meta: Record<string, unknown> };
    };
    return sent.params._meta[META.clientCapabilities];
  };
  expect(declared()).toEqual({});
  expect(declared(true)).toEqual({ extensions: { 'io.modelcontextprotocol/tasks': {} } });
});

test('a handshake server hears a notification without what a modern client says of itself', () => {
  const said = (params: string | undefined) =>
    encodeHandshakeNotification({ method: 'notifications/v', params: params === undefined ? undefined : raw(params) }).toString();
  const head = '{"jsonrpc":"2.0","method":"notifications/v"';
  const claim = `"${META.protocolVersion}":"2026-07-28","${META.clientInfo}":{"name":"c"}`;
  expect(said(undefined)).toBe(`${head}}`);
  expect(said('{"n":1e400}')).toBe(`${head},"params":{"n":1e400}}`);
  expect(said(`{"_meta":{${claim}}}`)).toBe(`${head}}`);
  expect(said(`{"n":1.0,"_meta":{${claim},"v":2.0}}`)).toBe(`${head},"params":{"n":1.0,"_meta":{"v":2.0}}}`);
});

test('a modern server hears with a notification whose word it is', () => {
  const said = (params: string | undefined, info: typeof own | undefined) => {
    const client = { revision: '2025-11-25', info, capabilities: { roots: {} }, logLevel: 'off' } as const;
    const notification = { method: 'notifications/v', params: params === undefined ? undefined : raw(params) };
    return encodeModernNotification(notification, client, own).toString();
  };
  const introduced = (name: string) =>
    `"${META.protocolVersion}":"2026-07-28","${META.clientInfo}":{"name":"${name}","version":"1"},"${META.clientCapabilities}":{}`;
  const head = '{"jsonrpc":"2.0","method":"notifications/v"';
  expect(said(undefined, undefined)).toBe(`${head},"params":{"_meta":{${introduced('signalbox')}}}}`);
  expect(said('{"n":1.0,"_meta":{"v":2.0}}', { name: 'editor', version: '1' })).toBe(
    `${head},"params":{"n":1.0,"_meta":{${introduced('editor')},"v":2.0}}}`,
  );
  const own2026 = `{"_meta":{"${META.protocolVersion}":"2026-07-28","${META.clientInfo}":{"name":"c"}}}`;
  expect(said(own2026, undefined)).toBe(`${head},"params":${own2026}}`);
});
