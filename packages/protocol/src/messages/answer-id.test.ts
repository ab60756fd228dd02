import { expect, test } from 'vitest';
import { guessId } from './answer-id.ts';

const LONG = `"content":[{"type":"text","text":"${'x'.repeat(200)}"}]`;

test('the id is found at either end of an answer', () => {
  const texts = [
    `{"jsonrpc":"2.0","id":7,"result":{${LONG}}}`,
    `{ "jsonrpc": "2.0", "id": 7, "result": {${LONG}}}`,
    `{"result":{${LONG}},"jsonrpc":"2.0","id":7}`,
    `{"jsonrpc":"2.0","result":{${LONG}},"id":7}\t`,
    `{"result":{${LONG}}, "id" : 7, "jsonrpc" : "2.0" }`,
  ];
  for (const text of texts) expect(guessId(Buffer.from(text)), text).toBe(7);
});

test('nothing is taken for an id that stands elsewhere or is none of ours', () => {
  const texts = [
    `{"jsonrpc":"2.0","id":"7","result":{${LONG}}}`,
    `{"jsonrpc":"2.0","id":-7,"result":{${LONG}}}`,
    `{"jsonrpc":"2.0","id":1234567890123456,"result":{${LONG}}}`,
    `{"result":{"id":7,${LONG}}}`,
    `{"jsonrpc":"2.0","result":{${LONG},"id":7}}`,
    `{"jsonrpc":"2.0","method":"x","params":{${LONG}}}`,
    '',
  ];
  for (const text of texts) expect(guessId(Buffer.from(text)), text).toBeUndefined();
});
