import { RawJson } from '@signalbox/core';
import { createSimilarityModel } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { createCallRecord } from '../testing/call-record.ts';
import { MAX_HASHED_BYTES, createKeyedHash, isSampled } from './keyed-hash.ts';
import { createFactMaker, isToolRecord } from './to-facts.ts';
import { toSimilarAdvice } from './to-similar-advice.ts';
import { createToolVersions } from './tool-versions.ts';

const SECRET = 'hunter2-of-alice';
const create = (key = new Uint8Array(32)) =>
  createFactMaker({
    hash: createKeyedHash(key),
    versionOf: () => ({ version: 'v1', effect: 'read' }),
    adviceVersion: () => 3,
    armsOf: () => ['x@1=control'],
  });
const tool = { upstream: 'files', upstreamName: 'read' };
const record = { ...createCallRecord({ method: 'tools/call', principal: 'alice', status: 'ok' }), ...tool };
const payload = (value: object) => ({
  arguments: RawJson.fromParsed(Buffer.from(JSON.stringify(value)), value),
  result: RawJson.fromBytes(Buffer.from(JSON.stringify({ text: SECRET }))),
  session: 'session-id',
});

/** Arguments that are in the sample. */
const SAMPLED = Array.from({ length: 99 }, (_, index) => ({ path: SECRET, deep: { secret: SECRET }, index })).filter((value) =>
  isSampled(Buffer.from(JSON.stringify(value))),
);

test('a fact tells the same from the other, and nothing of what was said or who said it', () => {
  const facts = create();
  const [value, other] = SAMPLED;
  const fact = facts.call(record, payload(value!));
  expect(fact).toMatchObject({
    upstream: 'files',
    tool: 'read',
    toolVersion: 'v1',
    effect: 'read',
    argsShape: ['deep:object', 'index:number', 'path:string'],
    ending: 'ok',
    policyVersion: 3,
    arms: ['x@1=control'],
  });
  expect(fact.argsKey).toMatch(/^[0-9a-f]{16}$/);
  expect(JSON.stringify(fact)).not.toMatch(/hunter2|alice|session-id/);
  expect(facts.call(record, payload(value!)).argsKey).toBe(fact.argsKey);
  expect(facts.call(record, payload(other!)).argsKey).not.toBe(fact.argsKey);
  expect(create(new Uint8Array(32).fill(1)).call(record, payload(value!)).argsKey).not.toBe(fact.argsKey);
  const search = facts.searches({
    principal: 'alice',
    server: undefined,
    client: 'c',
    session: undefined,
    atMs: 1,
    adviceVersion: 0,
    arms: ['x@1=control'],
    answerBytes: 90,
    results: [{ need: SECRET, shown: [] }],
  });
  expect(search).toMatchObject([{ arms: ['x@1=control'], answerBytes: 90 }]);
  expect(JSON.stringify(search)).not.toMatch(/hunter2|alice/);
});

test('a fact of two calls tells in what they differ, and neither what they said nor who said it', () => {
  const similar = toSimilarAdvice({
    similarity: createSimilarityModel(),
    keyOf: () => 'files/read@v1',
    hash: createKeyedHash(new Uint8Array(32)),
  });
  const pair = { upstream: 'files', tool: 'read', inputSchema: undefined, maxWrong: 0.02 };
  const judge = (asked: string) => similar.judge({ ...pair, asked: { path: asked }, known: { path: SECRET } })!;
  const { edit, detail } = judge(SECRET.toUpperCase());
  const fact = create().comparison({
    principal: 'alice',
    client: 'c',
    session: 'session-id',
    atMs: 1,
    upstream: 'files',
    tool: 'read',
    edit,
    detail,
    isSame: true,
  });
  expect(fact).toMatchObject({ kind: 'comparison', toolVersion: 'v1', edit: 'code case', isSame: true });
  expect(fact.detail).toMatch(/^[0-9a-f]{16}$/);
  expect(JSON.stringify(fact)).not.toMatch(/hunter2|alice|session-id/i);
  expect(judge(SECRET.replace('2', '3'))).toBeUndefined();
});

test('the same arguments have their results compared always or never', () => {
  const facts = create();
  const kept = Array.from({ length: 40 }, (_, index) => facts.call(record, payload({ index })).resultKey !== '');
  expect(Array.from({ length: 40 }, (_, index) => facts.call(record, payload({ index })).resultKey !== '')).toEqual(kept);
  const share = kept.filter(Boolean).length / kept.length;
  expect(share).toBeGreaterThan(0.05);
  expect(share).toBeLessThan(0.5);
});

test.each([
  [{ status: 'ok' as const }, 'ok'],
  [{ status: 'tool-error' as const }, 'toolError'],
  [{ status: 'cancelled' as const, error: 'CANCELLED' }, 'cancelled'],
  [{ status: 'rpc-error' as const, error: '-32602' }, 'refused'],
  [{ status: 'gateway-error' as const, error: 'DEADLINE_EXCEEDED' }, 'timeout'],
  [{ status: 'gateway-error' as const, error: 'UPSTREAM_UNAVAILABLE' }, 'unavailable'],
])('%j ends as %s', (more, ending) => expect(create().call({ ...record, ...more }, undefined).ending).toBe(ending));

test('what is no call of a tool behind the gateway is no fact', () => {
  for (const more of [{ method: 'prompts/get' }, { upstream: '@signalbox' }, { upstream: undefined }])
    expect(isToolRecord({ ...record, ...more })).toBe(false);
});

test('a call that nobody asked for, or that a person was asked about, is no fact', () => {
  expect(isToolRecord({ ...record, isAhead: true })).toBe(false);
  expect(isToolRecord({ ...record, isApproved: true })).toBe(false);
  expect(isToolRecord(record)).toBe(true);
});

test('a call that was held back is no fact: it would count against its caller once more', () => {
  expect(isToolRecord({ ...record, status: 'gateway-error', error: 'RESTRAINED' })).toBe(false);
  expect(isToolRecord({ ...record, status: 'gateway-error', error: 'OVERLOADED' })).toBe(true);
});

test('what is too large to be hashed is not', () => {
  const hash = createKeyedHash(new Uint8Array(32));
  expect(hash.bytes(new Uint8Array(MAX_HASHED_BYTES))).toMatch(/^[0-9a-f]{16}$/);
  expect([hash.bytes(new Uint8Array(MAX_HASHED_BYTES + 1)), hash.text('')]).toEqual(['', '']);
});

test('a tool has another version when its definition changes', () => {
  const inputSchema = { type: 'object' };
  let tools = [{ name: 'read', inputSchema }];
  const versionOf = createToolVersions((upstream) => (upstream === 'files' ? tools : undefined));
  const first = versionOf('files', 'read');
  expect(first.version).toMatch(/^[0-9a-f]{16}$/);
  tools = [{ name: 'read', inputSchema }];
  expect(versionOf('files', 'read')).toEqual(first);
  tools = [{ name: 'read', inputSchema: { ...inputSchema, type: 'array' } }];
  expect(versionOf('files', 'read').version).not.toBe(first.version);
  const unknown = { version: '', effect: 'unknown' };
  expect([versionOf('files', 'none'), versionOf('none', 'read')]).toEqual([unknown, unknown]);
});

test('a fact tells what was tried before, how likely each fallback was to be tried first, and what came after failures', () => {
  const choice = { upstream: 'copy', tool: 'read', staticPlace: 1, propensity: 0.4 };
  const afterFailures = [{ upstream: 'main', failures: 2, sinceMs: 40, hasFailed: true }];
  const failed = [{ upstream: 'main', tool: 'read', error: 'UPSTREAM_UNAVAILABLE' }] as const;
  const detour = { failed, fallbacks: [choice], afterFailures };
  expect(create().call(record, { ...payload({}), detour })).toMatchObject({
    failed: [{ upstream: 'main', tool: 'read', toolVersion: 'v1', errorCode: 'UPSTREAM_UNAVAILABLE' }],
    fallbacks: [choice],
    afterFailures,
  });
  expect(Object.keys(create().call(record, payload({})))).not.toEqual(expect.arrayContaining(['failed', 'fallbacks', 'afterFailures']));
});

test('a fact tells what the call came after, where somebody wants to know', () => {
  const step = { after: [{ upstream: 'files', tool: 'list' }], sources: '[["path","r0:0f"]]' };
  expect(create().call(record, { ...payload({}), step })).toMatchObject({ step });
  expect(create().call(record, payload({}))).not.toHaveProperty('step');
});

test('a fact tells where arguments point to, as hashes', () => {
  const fact = create().call(record, payload({ to: 'ann@example.com', note: SECRET }));
  expect(fact.destinations).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  expect(create().call(record, payload({ to: 'bob@mail.example.com' })).destinations).toEqual(fact.destinations);
  expect(create().call(record, payload({ note: SECRET }))).not.toHaveProperty('destinations');
});
