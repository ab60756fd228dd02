import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { doGently } from './gently.ts';
import { outlineJson } from './outline.ts';
import { sketchJson } from './sketch.ts';
import { previewText } from './text-preview.ts';

async function outline(value: unknown, maxBytes: number): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(value));
  return outlineJson(bytes, await doGently(sketchJson(bytes)), maxBytes);
}

describe('the outline of a JSON value', () => {
  test('shows names, sizes and the first items, and marks what is left out', async () => {
    const rows = Array.from({ length: 12_000 }, (_, id) => ({ id, name: `row ${id}` }));
    expect(await outline({ total: 12_000, rows, note: 'n'.repeat(5000), none: [] }, 400)).toBe(
      [
        '{',
        '  "total": 12000,',
        '  "rows": [',
        '    {"id":0,"name":"row 0"},',
        '    {"id":1,"name":"row 1"},',
        '    {"id":2,"name":"row 2"},',
        '    {"id":3,"name":"row 3"},',
        '    {"id":4,"name":"row 4"},',
        '    /* 11,995 more items */',
        '  ],',
        `  "note": "${'n'.repeat(120)}…" /* cut, 5,000 bytes */,`,
        '  "none": []',
        '}',
      ].join('\n'),
    );
  });

  test('is never complete JSON unless everything is in it', async () => {
    const values = fc.jsonValue({ maxDepth: 4 }).map((value) => [value, Array.from({ length: 30 }, (_, index) => [value, index])]);
    await fc.assert(
      fc.asyncProperty(values, fc.constantFrom(50, 500, 5000, 1_000_000), async (value, maxBytes) => {
        const text = await outline(value, maxBytes);
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          parsed = undefined;
        }
        expect([undefined, JSON.parse(JSON.stringify(value))]).toContainEqual(parsed);
      }),
    );
  });

  test('of anything is short if it has to be', async () => {
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`${'k'.repeat(300)}${index}`, 'v'.repeat(1000)]));
    const deep = Array.from({ length: 10 }).reduce<unknown>((value) => ({ value, other: [value, 'x'.repeat(200)] }), 'x'.repeat(200));
    for (const value of [
      wide,
      deep,
      [wide, wide],
      'x'.repeat(100_000),
      Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 'y'.repeat(60))),
    ])
      expect((await outline(value, 1)).length).toBeLessThan(1500);
  });
});

describe('the preview of a text', () => {
  test('has its first and last lines whole', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
    const preview = previewText(Buffer.from(lines.join('\n')), 120).split('\n');
    expect(preview.slice(0, 2)).toEqual(['line 0', 'line 1']);
    expect(preview.slice(-2)).toEqual(['line 998', 'line 999']);
    const shown = preview.filter((line) => !line.startsWith('[…'));
    expect(shown.every((line) => lines.includes(line))).toBe(true);
    expect(preview).toHaveLength(shown.length + 1);
  });

  test('is a beginning and an end in whole characters, says how much is missing, and keeps to its size', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((unit) => !unit.includes('…')),
        fc.integer({ min: 30, max: 300 }),
        (unit, maxBytes) => {
          const text = Buffer.from(unit.repeat(Math.ceil(800 / Buffer.byteLength(unit))));
          const preview = previewText(text, maxBytes);
          const parts = /^(.*?)(?:…\n|(?<=\n))\[… ([\d,]+) bytes not shown, from byte (\d+) on …\]\n…?(.*)$/s.exec(preview)!;
          const [, head, missing, from, tail] = parts;
          expect(text.toString().startsWith(head!)).toBe(true);
          expect(text.toString().endsWith(tail!)).toBe(true);
          expect(Buffer.byteLength(head!)).toBe(Number(from));
          expect(Buffer.byteLength(head!) + Buffer.byteLength(tail!) + Number(missing!.replaceAll(',', ''))).toBe(text.length);
          expect(Buffer.byteLength(head!) + Buffer.byteLength(tail!)).toBeLessThanOrEqual(maxBytes);
        },
      ),
    );
  });

  test('of a text that fits is the text', () => {
    expect(previewText(Buffer.from('all\nof it'), 9)).toBe('all\nof it');
  });
});
