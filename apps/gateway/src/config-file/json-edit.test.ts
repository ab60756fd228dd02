import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { getNodeValue } from 'jsonc-parser';
import { removeProperty, setProperty } from './json-edit.ts';
import { parseJsonText } from './json-text.ts';

describe('setProperty', () => {
  test('a member is added after the last, in the indentation of the file', () => {
    const text = '{\n    "mcpServers": {\n        "a": { "command": "x" }\n    }\n}\n';
    expect(setProperty(text, ['mcpServers', 'b'], { command: 'y', args: ['-v', 'z'] })).toBe(
      '{\n    "mcpServers": {\n        "a": { "command": "x" },\n        "b": {\n            "command": "y",\n            "args": ["-v", "z"]\n        }\n    }\n}\n',
    );
  });

  test('comments keep their place: one behind the last member, one before the brace', () => {
    const text = '{\n  "servers": {\n    "a": 1 // about a\n    // "old": 2\n  }\n}\n';
    expect(setProperty(text, ['servers', 'b'], 2)).toBe('{\n  "servers": {\n    "a": 1, // about a\n    "b": 2\n    // "old": 2\n  }\n}\n');
  });

  test('a trailing comma is used and the new member gets one too', () => {
    expect(setProperty('{\n\t"a": 1, // one\n}\n', ['b'], 2)).toBe('{\n\t"a": 1, // one\n\t"b": 2,\n}\n');
    expect(setProperty('{ "a": 1, }', ['b'], 2)).toBe('{ "a": 1, "b": 2, }');
  });

  test('a text on one line stays on one line', () => {
    expect(setProperty('{"a":{"b":1},"c":2}', ['a', 'd'], { e: 1 })).toBe('{"a":{"b":1, "d": {"e":1}},"c":2}');
  });

  test.each([
    ['', '{\n  "a": {\n    "b": 1\n  }\n}\n'],
    ['// mine\n', '// mine\n{\n  "a": {\n    "b": 1\n  }\n}\n'],
    ['{}', '{\n  "a": {\n    "b": 1\n  }\n}'],
    ['{ /* none */ }', '{ /* none */\n  "a": {\n    "b": 1\n  }\n}'],
    ['{\n  "a": null\n}', '{\n  "a": {\n    "b": 1\n  }\n}'],
    ['{\r\n  "a": {}\r\n}', '{\r\n  "a": {\r\n    "b": 1\r\n  }\r\n}'],
  ])('objects missing on the way are created in %j', (text, expected) => {
    expect(setProperty(text, ['a', 'b'], 1)).toBe(expected);
  });

  test('a value already there is replaced and nothing else', () => {
    expect(setProperty('{ /* x */ "a": [1, 2] /* y */ }', ['a'], 3)).toBe('{ /* x */ "a": 3 /* y */ }');
  });

  test('a byte order mark survives', () => {
    expect(setProperty('\uFEFF{\n  "a": 1\n}', ['b'], 2)).toBe('\uFEFF{\n  "a": 1,\n  "b": 2\n}');
  });

  test('a broken text and one that holds no object are refused with the place', () => {
    expect(() => setProperty('{\n  "a" 1\n}', ['b'], 2)).toThrow('Cannot edit the file: line 2, column 7: a colon is missing');
    expect(() => setProperty('[]', ['b'], 2)).toThrow('Cannot edit the file: the file must hold an object in braces');
    expect(() => setProperty('{"a": 1}', ['a', 'b'], 2)).toThrow('"a" must hold an object in braces');
  });
});

describe('removeProperty', () => {
  test.each([
    ['{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}', 'b', '{\n  "a": 1,\n  "c": 3\n}'],
    ['{\n  "a": 1,\n  "b": {\n    "x": 1\n  }\n}', 'b', '{\n  "a": 1\n}'],
    ['{\n  "a": 1, // about a\n  // about b\n  "b": 2\n}', 'b', '{\n  "a": 1 // about a\n  // about b\n}'],
    ['{\n  "a": 1,\n  "b": 2, // about b\n}', 'b', '{\n  "a": 1,\n  // about b\n}'],
    ['{"a": 1, "b": 2, "c": 3}', 'b', '{"a": 1, "c": 3}'],
    ['{ "a": 1, "b": 2 }', 'b', '{ "a": 1 }'],
    ['{ "a": 1 }', 'a', '{ }'],
    ['{ "a": 1 /* x */, "b": 2 }', 'a', '{ /* x */ "b": 2 }'],
    ['{ "a": 1 }', 'none', '{ "a": 1 }'],
  ])('from %j, %s goes', (text, key, expected) => {
    expect(removeProperty(text, [key])).toBe(expected);
  });
});

// Any JSON object, written with comments, odd blanks and, sometimes, trailing commas.
const blank = fc.constantFrom('', ' ', '\n', '\n  ', '\r\n\t', ' /* "c": {} */ ', ' // , } ]\n', '\n// note\n    ');
const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)).map((value) => JSON.stringify(value));
const { object } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, tie('object')),
  object: fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.string(), tie('value'), fc.tuple(blank, blank, blank, blank)), { maxLength: 4, selector: ([key]) => key }),
      blank,
      fc.boolean(),
    )
    .map(([members, inner, hasTrailingComma]) => {
      const parts = members.map(([key, value, [a, b, c, d]]) => `${a}${JSON.stringify(key)}${b}:${c}${value}${d}`);
      return `{${parts.join(',')}${hasTrailingComma && parts.length > 0 ? ',' : ''}${inner}}`;
    }),
}));

function valueOf(text: string): unknown {
  const { root, syntaxErrors } = parseJsonText(text);
  expect(syntaxErrors).toEqual([]);
  return root && getNodeValue(root);
}

/** Whether all characters of a text that are not blank stand in another in the same order. */
function isWithin(text: string, other: string): boolean {
  let position = 0;
  for (const character of other) if (character === text[position]) position++;
  return position === text.length;
}

describe('for any text', () => {
  test('adding keeps every character, and all values', () => {
    fc.assert(
      fc.property(object, fc.constantFrom(['new-key'], ['new-group', 'x']), (text, path) => {
        const edited = setProperty(text, path, { command: 'x' });
        const before = valueOf(text) as Record<string, unknown>;
        const added = path.length === 1 ? { command: 'x' } : { x: { command: 'x' } };
        expect(valueOf(edited)).toEqual(Object.assign(Object.create(null), before, { [path[0]!]: added }));
        expect(isWithin(text.replace(/\s/g, ''), edited.replace(/\s/g, ''))).toBe(true);
      }),
    );
  });

  test('adding and removing again gives the same document, and loses no comment', () => {
    fc.assert(
      fc.property(object, (text) => {
        const back = removeProperty(setProperty(text, ['new-key'], { command: 'x' }), ['new-key']);
        expect(valueOf(back)).toEqual(valueOf(text));
        for (const [comment] of text.matchAll(/\/\* "c": \{\} \*\/|\/\/ note/g)) expect(back).toContain(comment);
      }),
    );
  });

  test('removing a member keeps all others', () => {
    fc.assert(
      fc.property(object, fc.nat(), (text, pick) => {
        const before = valueOf(text) as Record<string, unknown>;
        const keys = Object.keys(before);
        fc.pre(keys.length > 0);
        const gone = keys[pick % keys.length]!;
        const after = valueOf(removeProperty(text, [gone]));
        delete before[gone];
        expect(after).toEqual(before);
      }),
    );
  });
});
