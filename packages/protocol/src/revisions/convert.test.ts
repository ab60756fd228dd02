import { expect, test } from 'vitest';
import { RawJson, type Outcome, type ResultOutcome } from '@signalbox/core';
import { prependMembers, toRevision } from './convert.ts';

const result = (text: string, revision: string, resultType = 'complete'): ResultOutcome => ({
  kind: 'result',
  result: RawJson.fromBytes(Buffer.from(text)),
  resultType,
  isError: false,
  revision,
});
const textOf = (outcome: Outcome) => (outcome.kind === 'result' ? outcome.result.bytes.toString() : undefined);

test('between revisions of one generation a result is the same object', () => {
  const outcome = result('{"content":[]}', '2024-11-05');
  expect(toRevision(outcome, '2025-11-25', 'tools/call')).toBe(outcome);
});

test('a result for a modern client says its type, and of lists that they must not be kept', () => {
  expect(textOf(toRevision(result('{"n":9007199254740993}', '2025-11-25'), '2026-07-28', 'tools/call'))).toBe(
    '{"resultType":"complete","n":9007199254740993}',
  );
  expect(textOf(toRevision(result('{ }', '2025-11-25'), '2026-07-28', 'tools/list'))).toBe(
    '{"resultType":"complete","ttlMs":0,"cacheScope":"private"}',
  );
});

test('a result for a handshake client loses what its revision does not know, at the top only', () => {
  const modern = '{"resultType":"complete","tools":[{"ttlMs":1}],"ttlMs":5,"cacheScope":"public","_meta":{"resultType":1}}';
  expect(textOf(toRevision(result(modern, '2026-07-28'), '2025-06-18', 'tools/list'))).toBe(
    '{"tools":[{"ttlMs":1}],"_meta":{"resultType":1}}',
  );
  expect(textOf(toRevision(result('{"resultType":"complete"}', '2026-07-28'), '2025-06-18', 'tools/call'))).toBe('{}');
  expect(textOf(toRevision(result('{"a":1}', '2026-07-28'), '2025-06-18', 'tools/call'))).toBe('{"a":1}');
});

test('a missing resource has the code of the generation it is told to', () => {
  const error = (code: number): Outcome => ({ kind: 'error', error: { code, message: 'not there', data: { uri: 'a://1' } } });
  expect(toRevision(error(-32002), '2026-07-28', 'resources/read')).toEqual(error(-32602));
  expect(toRevision(error(-32602), '2025-11-25', 'resources/read')).toEqual(error(-32002));
  expect(toRevision(error(-32602), '2025-11-25', 'tools/call')).toEqual(error(-32602));
});

test('members are put in front of others, and nothing into what is no object', () => {
  const prepend = (text: string) => prependMembers(RawJson.fromBytes(Buffer.from(text)), '"a":1').bytes.toString();
  expect([prepend('{}'), prepend('{ "b":2}'), prepend('[]')]).toEqual(['{"a":1}', '{"a":1,"b":2}', '[]']);
});
