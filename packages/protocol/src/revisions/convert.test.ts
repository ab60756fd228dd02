import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawJson, type Outcome, type ResultOutcome } from '@signalbox/core';
import { decodeFrame, type ResponseMessage } from '../messages/message.ts';
import { prependMembers, toRevision } from './convert.ts';
import { MODERN_MEMBERS } from './revisions.ts';

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

test('whatever stands around them, the members go and everything else stays, found on the way in or not', () => {
  const space = fc.constantFrom('', ' ', '\n\t');
  const member = fc.tuple(fc.constantFrom('resultType', 'ttlMs', 'cacheScope', 'content', 'a', '_meta'), fc.jsonValue());
  fc.assert(
    fc.property(fc.uniqueArray(member, { selector: ([name]) => name }), space, space, (members, before, after) => {
      const text = `{${members.map(([name, value]) => `${before}"${name}"${after}:${before}${JSON.stringify(value)}${after}`).join(',')}}`;
      const expected = Object.fromEntries(members.filter(([name]) => !MODERN_MEMBERS.has(name)));
      const frame = decodeFrame(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${text}}`)) as ResponseMessage;
      const seen = { ...(frame.outcome as ResultOutcome), revision: '2026-07-28' };
      for (const outcome of [seen, { ...seen, modernMembers: undefined }]) {
        const converted = textOf(toRevision(outcome, '2025-11-25', 'tools/call'))!;
        expect(JSON.stringify(JSON.parse(converted))).toBe(JSON.stringify(JSON.parse(JSON.stringify(expected))));
      }
    }),
  );
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

test('structured content that is no object becomes the value of one for handshake clients, found on the way in or not', () => {
  const convert = (content: string) => {
    const frame = decodeFrame(
      Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","structuredContent":${content},"n":1}}`),
    );
    const seen = { ...((frame as ResponseMessage).outcome as ResultOutcome), revision: '2026-07-28' };
    const unseen = { ...seen, modernMembers: undefined, hasLooseContent: undefined };
    return [seen, unseen].map((outcome) => textOf(toRevision(outcome, '2025-11-25', 'tools/call')));
  };
  for (const content of ['[1,{"a":2}]', '"text"', 'null', '3']) {
    const expected = `{"structuredContent":{"value":${content}},"n":1}`;
    expect(convert(content)).toEqual([expected, expected]);
  }
  expect(convert('{"a":[1]}')).toEqual(['{"structuredContent":{"a":[1]},"n":1}', '{"structuredContent":{"a":[1]},"n":1}']);
});
