import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPaint } from './paint.ts';
import { renderTable } from './table.ts';
import { widthOf } from './text.ts';

const plain = createPaint(false);

test('columns are aligned and numbers stand on the right', () => {
  const lines = renderTable({
    columns: [{ title: 'NAME' }, { title: 'TOOLS', align: 'right' }],
    rows: [
      ['time', '4'],
      ['everything', '13'],
    ],
    width: Infinity,
    paint: plain,
  });
  expect(lines).toEqual(['NAME        TOOLS', 'time            4', 'everything     13']);
});

test('only columns that shrink are cut, the widest first', () => {
  const lines = renderTable({
    columns: [{ title: 'NAME' }, { title: 'ONE', shrinks: true }, { title: 'TWO', shrinks: true }],
    rows: [['everything', 'x'.repeat(50), 'y'.repeat(12)]],
    width: 50,
    paint: plain,
  });
  expect(lines[1]).toBe(`everything  ${'x'.repeat(23)}…  ${'y'.repeat(12)}`);
});

test('a table fits the terminal whenever its fixed columns leave room', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '漢', ' '), maxLength: 60 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constant('name'), cell, cell), { maxLength: 5 }), fc.integer({ min: 30, max: 120 }), (rows, width) => {
      const columns = [{ title: 'NAME' }, { title: 'ONE', shrinks: true }, { title: 'TWO', shrinks: true }];
      for (const line of renderTable({ columns, rows, width, paint: plain })) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }),
  );
});

test('colours do not count as width and are applied to what is left of a cell', () => {
  const paint = createPaint(true);
  const lines = renderTable({ columns: [{ title: 'A', paint: paint.red }, { title: 'B' }], rows: [['x', 'y']], width: 80, paint });
  expect(lines[1]).toBe('\u001B[31mx\u001B[39m  y');
});
