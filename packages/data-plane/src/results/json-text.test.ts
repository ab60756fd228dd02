import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TURN_BYTES, type Gentle } from './gently.ts';
import { decodeHead, decodeString, safeEnd, safeStart } from './json-text.ts';

function finish<Result>(work: Gentle<Result>): { readonly result: Result; readonly turns: number } {
  for (let turns = 1; ; turns++) {
    const step = work.next();
    if (step.done === true) return { result: step.value, turns };
  }
}

const whole = (bytes: Buffer) => ({ start: 0, end: bytes.length });
/** Everything may be written as an escape. */
const escapeAll = (text: string) => `"${text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;

test('a string is read as JSON.parse reads it, however it is written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, isEscaped) => {
      const token = Buffer.from(isEscaped ? escapeAll(text) : JSON.stringify(text));
      expect(finish(decodeString(token, whole(token))).result.toString()).toBe(text);
    }),
  );
});

test.each([
  ['plain', 'a'],
  ['four bytes a character', '😀'],
  ['quotes', '"'],
  ['mixed', 'é"\\\n😀x'],
])('a large string of %s characters is read in turns and comes out whole', (_, unit) => {
  const large = (write: (text: string) => string) =>
    Buffer.from(write(unit.repeat(Math.ceil((2.2 * TURN_BYTES) / (write(unit).length - 2)))));
  for (const token of [large(JSON.stringify), large(escapeAll)]) {
    const { result, turns } = finish(decodeString(token, whole(token)));
    expect(result.equals(Buffer.from(JSON.parse(token.toString()) as string))).toBe(true);
    // Without an escape there is nothing to do but to copy.
    expect(turns).toBe(token.includes('\\') ? Math.ceil((token.length - 2) / TURN_BYTES) : 1);
  }
});

test('the head of a string is a beginning of it in whole characters, as long as is asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.boolean(), fc.nat({ max: 80 }), (text, isEscaped, maxBytes) => {
      const token = Buffer.from(isEscaped ? escapeAll(text) : JSON.stringify(text));
      const head = decodeHead(token, whole(token), maxBytes);
      expect(text.startsWith(head)).toBe(true);
      expect(Buffer.byteLength(head)).toBeLessThanOrEqual(maxBytes);
      const next = String.fromCodePoint(text.codePointAt(head.length) ?? 0x20);
      expect(head === text || Buffer.byteLength(head + next) > maxBytes).toBe(true);
    }),
  );
});

test('no cut falls into a character', () => {
  const bytes = Buffer.from('aé😀');
  expect([0, 1, 2, 3, 4, 5, 6, 7, 9].map((end) => safeEnd(bytes, end))).toEqual([0, 1, 1, 3, 3, 3, 3, 7, 7]);
  expect([0, 1, 2, 3, 4, 5, 6, 7, 9].map((start) => safeStart(bytes, start))).toEqual([0, 1, 3, 3, 7, 7, 7, 7, 9]);
});
