import fc from 'fast-check';
import { expect, test } from 'vitest';
import { doGently } from './gently.ts';
import { sketchJson } from './sketch.ts';
import type { ResultPart } from './split-result.ts';
import { createView, endOfPage } from './text-view.ts';

const textPart = (text: string): ResultPart => ({
  place: 'content[0]',
  kind: 'text',
  mimeType: 'text/plain',
  bytes: Buffer.from(text),
  sketch: undefined,
  uri: undefined,
});
const jsonPart = async (text: string): Promise<ResultPart> => {
  const part = textPart(text);
  return { ...part, kind: 'json', sketch: await doGently(sketchJson(part.bytes)) };
};

test('JSON is read in lines that hold the same tokens', async () => {
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 5 }),
    fc.array(fc.array(fc.string({ maxLength: 40 }), { maxLength: 8 }), { maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(values, fc.constantFrom(undefined, 2), async (value, space) => {
      const text = JSON.stringify(value, undefined, space);
      const { bytes } = await doGently(createView(await jsonPart(text)));
      expect(JSON.parse(bytes.toString())).toEqual(JSON.parse(text));
      expect(bytes.toString().replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
    }),
  );
});

test('a record stands on a line of its own', async () => {
  const rows = Array.from({ length: 30 }, (_, id) => ({ id, name: `row ${id}`, note: id === 1 ? 'n'.repeat(200) : '' }));
  const view = await doGently(createView(await jsonPart(JSON.stringify({ rows, total: 30 }))));
  const lines = view.bytes.toString().split('\n');
  expect(lines.slice(0, 9)).toEqual([
    '{',
    '  "rows": [',
    '    {"id":0,"name":"row 0","note":""},',
    '    {',
    '      "id": 1,',
    '      "name": "row 1",',
    `      "note": "${'n'.repeat(200)}"`,
    '    },',
    '    {"id":2,"name":"row 2","note":""},',
  ]);
  expect(view.lines).toBe(lines.length);
});

test('a text stays itself, also JSON that has lines already', async () => {
  const pretty = JSON.stringify({ a: [1, 2, 3] }, undefined, 4);
  const part: ResultPart = { ...(await jsonPart(pretty)), kind: 'text' };
  const view = await doGently(createView(part));
  expect([view.bytes, view.ownBytes < 100]).toEqual([part.bytes, true]);
});

test('lines are counted and found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 30 })), fc.integer({ min: 1, max: 3000 }), async (some, times) => {
      const text = `${some.join('\n')}\n`.repeat(times);
      const view = await doGently(createView(textPart(text)));
      const lines = text.split('\n');
      expect(view.lines).toBe(lines.at(-1) === '' ? lines.length - 1 : lines.length);
      for (const share of [0, 0.3, 0.77, 1]) {
        const offset = Math.floor(view.bytes.length * share);
        expect(view.lineAt(offset)).toBe(view.bytes.toString('latin1', 0, offset).split('\n').length);
      }
    }),
    { numRuns: 30 },
  );
});

test('pages follow each other without a gap, in whole characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, length) => {
      const bytes = Buffer.from(text);
      const pages: string[] = [];
      for (let offset = 0; offset < bytes.length;) {
        const end = endOfPage(bytes, offset, length);
        expect(end).toBeGreaterThan(offset);
        pages.push(bytes.toString('utf8', offset, end));
        offset = end;
      }
      expect(pages.join('')).toBe(text);
    }),
  );
});
