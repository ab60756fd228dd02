import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Scanner } from '@signalbox/protocol';
import { skipGently } from './container-walk.ts';
import { doGently } from './gently.ts';
import { sketchJson, type Sketch } from './sketch.ts';

/** Everything a sketch says, with the text of each value in the place of its whereabouts. */
function shapeOf(sketch: Sketch, bytes: Buffer): unknown {
  const whole = JSON.parse(bytes.toString('utf8', sketch.start, sketch.end)) as unknown;
  switch (sketch.kind) {
    case 'array':
      return { whole, count: sketch.count, items: sketch.items.map((item) => shapeOf(item, bytes)) };
    case 'object':
      return { whole, count: sketch.count, members: sketch.members.map(([key, value]) => [key, shapeOf(value, bytes)]) };
    default:
      return { whole, kind: sketch.kind };
  }
}

/** The same, made from a value. */
function expectedShape(whole: unknown): unknown {
  if (Array.isArray(whole)) return { whole, count: whole.length, items: whole.slice(0, 20).map(expectedShape) };
  if (typeof whole !== 'object' || whole === null) return { whole, kind: typeof whole === 'string' ? 'string' : 'literal' };
  const members = Object.entries(whole).map(([key, value]) => [key, expectedShape(value)]);
  return { whole, count: members.length, members };
}

test('a sketch knows where everything lies and how much there is of it', async () => {
  const values = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.array(fc.integer(), { maxLength: 50 }));
  await fc.assert(
    fc.asyncProperty(values, fc.constantFrom(undefined, 2), async (given, space) => {
      const text = ` ${JSON.stringify(given, undefined, space)}\n`;
      const bytes = Buffer.from(text);
      expect(shapeOf(await doGently(sketchJson(bytes)), bytes)).toEqual(expectedShape(JSON.parse(text)));
    }),
  );
});

test.each(['', '{"a":1', '[1,', '[1 2]', '{"a" 1}', '{1:2}', '[]]', '"open', 'plain text, not JSON', '{"a":"b'])(
  '%j is not JSON',
  async (text) => {
    await expect(doGently(sketchJson(Buffer.from(text)))).rejects.toBeInstanceOf(SyntaxError);
  },
);

test('a wide and deep value is sketched within bounds, and others get their turns', async () => {
  const row = { id: 1, tags: ['a', 'b', 'c'], text: 'x'.repeat(50), nested: { list: Array.from({ length: 30 }, (_, index) => index) } };
  const bytes = Buffer.from(JSON.stringify({ rows: Array.from({ length: 30_000 }, () => row) }));
  const work = sketchJson(bytes);
  let turns = 0;
  let step = work.next();
  for (; step.done !== true; step = work.next()) turns++;
  expect(turns).toBeGreaterThanOrEqual(Math.floor(bytes.length / 1_048_576) - 1);
  const sketch = step.value;
  expect(sketch).toMatchObject({ kind: 'object', members: [['rows', { kind: 'array', count: 30_000 }]] });
  expect(JSON.stringify(sketch).length).toBeLessThan(200_000);
});

test('a value of any size is passed over in turns, to its end', async () => {
  const inner = { text: 'said \\ "quoted" é'.repeat(10), list: [1, [2, { a: ']}"' }]] };
  const values = [
    Array.from({ length: 20_000 }, () => inner),
    { deep: { deeper: { rows: Array.from({ length: 20_000 }, () => inner) } } },
    '"\\'.repeat(1_500_000),
    'x'.repeat(3_000_000),
    7,
  ];
  for (const value of values) {
    const text = Buffer.from(JSON.stringify(value));
    const work = skipGently(new Scanner(Buffer.concat([text, Buffer.from(' , rest')])), 0);
    let turns = 0;
    let step = work.next();
    for (; step.done !== true; step = work.next()) turns++;
    expect(step.value).toBe(text.length);
    // A string without escapes is found at once.
    expect(turns).toBe(text.length < 1_048_576 || text[1] === 0x78 ? 0 : Math.floor(text.length / 1_048_576));
  }
  for (const text of ['[1', '{"a":"b', '"open'])
    await expect(doGently(skipGently(new Scanner(Buffer.from(text)), 0))).rejects.toBeInstanceOf(SyntaxError);
});

test('nesting without end is counted, not followed', async () => {
  const depth = 5_000;
  const bytes = Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(await doGently(sketchJson(bytes))).toMatchObject({ kind: 'array', count: 1, end: bytes.length });
});
