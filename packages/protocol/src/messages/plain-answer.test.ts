import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerReader } from './answer-reader.ts';
import { readPlainAnswer, type PlainAnswer } from './plain-answer.ts';

const SPACE = fc.constantFrom('', '', '', ' ');
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc.constantFrom('true', 'false', '"complete"', '"task"', '{}', '"\\""', `"${'x'.repeat(300)}"`, `[${'{"a":"]"},'.repeat(40)}1]`),
);
const names = fc.constantFrom(
  'content',
  'structuredContent',
  'isError',
  'resultType',
  'ttlMs',
  'cacheScope',
  '_meta',
  'isErrors',
  '',
  'is\\u0045rror',
);
const objectOf = (members: readonly (readonly [string, string])[], spaces: readonly string[]) =>
  `{${members.map(([name, text], index) => `${spaces[index % 2]}"${name}":${spaces[index % 3]}${text}`).join(',')}}`;
const result = fc
  .tuple(fc.array(fc.tuple(names, value), { maxLength: 6 }), fc.array(SPACE, { minLength: 3, maxLength: 3 }))
  .map(([members, spaces]) => objectOf(members, spaces));
const message = fc
  .tuple(
    result,
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('7', '0', '123456789012345') },
      fc.constantFrom('1234567890123456', '-1', '1.5', '"7"', 'null'),
    ),
    fc.oneof(
      { weight: 6, arbitrary: fc.shuffledSubarray(['jsonrpc', 'id', 'result'], { minLength: 3 }) },
      fc.shuffledSubarray(['jsonrpc', 'id', 'result', 'error', 'vendor'], { minLength: 2 }),
    ),
    fc.array(SPACE, { minLength: 3, maxLength: 3 }),
  )
  .map(([result, id, order, spaces]) => {
    const texts: Record<string, string> = { jsonrpc: '"2.0"', id, result, error: '{}', vendor: '1' };
    return objectOf(
      order.map((name) => [name, texts[name]!] as const),
      spaces,
    );
  });
/** Messages of which a piece may have been lost, or another put in its place. */
const damaged = fc
  .tuple(message, fc.nat(), fc.nat(3), fc.constantFrom('', '', '"', '}', ',', ':', '\\', ' '))
  .map(([text, at, count, other]) => text.slice(0, at % text.length) + other + text.slice((at % text.length) + count));

function readSlowly(bytes: Buffer): Omit<PlainAnswer['outcome'], 'result' | 'modernMembers' | 'hasLooseContent'> & {
  readonly id: string | undefined;
  readonly text: string;
} {
  let text = '';
  const reader = new AnswerReader(
    { added: '', dropped: new Set(), objects: new Set() },
    (piece, start, end) => (text += piece.toString('utf8', start, end)),
  );
  reader.push(bytes, 0, bytes.length);
  return { kind: 'result', text, ...reader.finish() };
}

test('a plain answer is what a reader of anything makes of it', () => {
  let count = 0;
  fc.assert(
    fc.property(fc.oneof(message, damaged), (text) => {
      const bytes = Buffer.from(text);
      const answer = readPlainAnswer(bytes);
      // A type of such a length flows nowhere.
      if (answer === undefined || answer.outcome.resultType.length >= 256) return;
      count++;
      const { result, modernMembers, hasLooseContent, ...outcome } = answer.outcome;
      const slow = readSlowly(bytes);
      expect({ ...outcome, id: answer.id.bytes.toString(), text: result.bytes.toString() }).toEqual(slow);
      const [content] = [...result.bytes.toString().matchAll(/"structuredContent" ?: ?(.)/g)].slice(-1);
      expect(hasLooseContent).toBe(content !== undefined && content[1] !== '{');
      for (let index = 0; index < modernMembers!.length; index += 2) {
        expect(result.bytes.toString('utf8', modernMembers![index], modernMembers![index + 1])).toMatch(
          /^"(resultType|ttlMs|cacheScope)" ?: ?./,
        );
      }
    }),
    { numRuns: 4_000 },
  );
  expect(count).toBeGreaterThan(300);
});

test('the answers of servers as they are written are plain', () => {
  const texts = [
    '{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"a \\"b\\" {"}],"isError":false}}',
    '{"result":{"content":[]},"jsonrpc":"2.0","id":7}',
    '{"jsonrpc": "2.0", "id": 7, "result": {"content": [], "isError": true}}',
    '{"jsonrpc":"2.0","result":{"content":[],"resultType":"complete","ttlMs":0},"id":7}',
  ];
  for (const text of texts) expect(readPlainAnswer(Buffer.from(text))?.id.value, text).toBe(7);
});

test('anything else is left to another reader', () => {
  const texts = [
    '',
    '{}',
    '[]',
    ' {"jsonrpc":"2.0","id":7,"result":{"a":1}}',
    '{"jsonrpc":"2.0","id":7,"result":{"a":1}} ',
    '{"jsonrpc":"2.0","id":7,"result":{"a":1}',
    '{"jsonrpc":"2.0","id":7,"result":{"a":1},}',
    '{"jsonrpc":"2.0","id":7,"result":{"a" 1}}',
    '{"jsonrpc":"2.0","id":7,"result":{"a":}}',
    '{"jsonrpc":"2.0","id":7,"result":{"a"',
    '{"jsonrpc":"2.0","id":7,"result":{a:1}}',
    '{"jsonrpc":"2.0","id":7,"result":{}}',
    '{"jsonrpc":"2.0","id":7,"result":[1]}',
    '{"jsonrpc":"2.0","id":7,"error":{"code":1}}',
    '{"jsonrpc":"2.0","id":"7","result":{"a":1}}',
    '{"jsonrpc":"1.0","id":7,"result":{"a":1}}',
    '{"id":7,"result":{"a":1}}',
    '{"jsonrpc":"2.0","result":{"a":1}}',
    '{"jsonrpc":"2.0","id":7,"id":8,"result":{"a":1}}',
    '{"jsonrpc":"2.0","id":7,"method":"ping"}',
  ];
  for (const text of texts) expect(readPlainAnswer(Buffer.from(text)), text).toBeUndefined();
});
