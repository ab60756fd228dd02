import { expect, test } from 'vitest';
import { explainHeaderMarks, findHeaderMarks } from './header-marks.ts';

const marked = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name });
const schemaOf = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

function deep(levels: number, inner: object): object {
  return levels === 0 ? inner : schemaOf({ a: deep(levels - 1, inner) });
}

test('marks on text, integers and booleans are fine, at any place reachable through "properties" alone', () => {
  const schema = schemaOf({ s: marked('S'), i: marked('I', 'integer'), o: schemaOf({ b: marked('B-2!', 'boolean') }), plain: {} });
  expect(explainHeaderMarks(schema)).toBeUndefined();
  expect(findHeaderMarks(schema)).toEqual([
    { header: 'S', path: ['s'] },
    { header: 'I', path: ['i'] },
    { header: 'B-2!', path: ['o', 'b'] },
  ]);
  expect(explainHeaderMarks({})).toBeUndefined();
});

test.each([
  ['no text', marked(5), '"x-mcp-header" at "p" is no text'],
  ['null', marked(null), '"x-mcp-header" at "p" is no text'],
  ['empty', marked(''), '"x-mcp-header" at "p" is empty'],
  ['with a line break', marked('x\r\ny'), '"x-mcp-header" at "p" is "x\\r\\ny", which no header can be named'],
  ['with a space', marked('a b'), '"x-mcp-header" at "p" is "a b", which no header can be named'],
  ['with a colon', marked('Host:'), '"x-mcp-header" at "p" is "Host:", which no header can be named'],
  ['with a letter of another script', marked('Rég'), '"x-mcp-header" at "p" is "Rég", which no header can be named'],
  ['on a number', marked('N', 'number'), '"x-mcp-header" at "p" marks the type "number"; only "string", "integer" and "boolean" may be'],
  ['on an object', marked('O', 'object'), expect.stringContaining('marks the type "object"')],
  ['on an array', marked('A', 'array'), expect.stringContaining('marks the type "array"')],
  ['on several types', marked('A', ['string', 'null']), expect.stringContaining('marks the type ["string","null"]')],
  ['on no type', { 'x-mcp-header': 'A' }, expect.stringContaining('marks a value of any type')],
])('a mark that is %s is none', (_, property, reason) => {
  expect(explainHeaderMarks(schemaOf({ p: property }))).toEqual(reason);
});

test.each([
  ['two of one name', { a: marked('Region'), b: marked('Region') }],
  ['two that differ by case', { a: marked('Region'), b: schemaOf({ c: marked('rEGION') }) }],
])('%s are refused', (_, properties) => {
  expect(explainHeaderMarks(schemaOf(properties))).toMatch(/^"x-mcp-header" names the header "Region" twice|"rEGION" twice/);
});

const inner = schemaOf({ q: marked('Q') });
test.each([
  ...['items', 'additionalItems', 'unevaluatedItems', 'contains', 'additionalProperties', 'unevaluatedProperties', 'propertyNames'].map(
    (keyword) => [keyword, { [keyword]: inner }] as const,
  ),
  ...['not', 'if', 'then', 'else', 'contentSchema'].map((keyword) => [keyword, { [keyword]: marked('Q') }] as const),
  ...['prefixItems', 'items', 'allOf', 'anyOf', 'oneOf'].map((keyword) => [`a list in ${keyword}`, { [keyword]: [{}, inner] }] as const),
  ...['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions'].map(
    (keyword) => [keyword, { [keyword]: { x: inner } }] as const,
  ),
])('a mark under %s cannot be followed, at the root and below a property', (_, schema) => {
  for (const place of [schemaOf({}, schema), schemaOf({ p: schema })])
    expect(explainHeaderMarks(place)).toMatch(/which is no property reachable through "properties" alone$/);
});

test('a mark at the root marks no argument', () => {
  expect(explainHeaderMarks({ ...schemaOf({}), ...marked('Root', 'string') })).toContain('stands at the root');
});

test('what only looks like a mark is none: a property of that name, and data', () => {
  const data = { 'x-mcp-header': 'a b' };
  const property = { type: 'object', default: data, const: data, enum: [data], examples: [data], 'x-vendor': data };
  expect(explainHeaderMarks(schemaOf({ 'x-mcp-header': { type: 'string' }, p: property }))).toBeUndefined();
});

test('a mark too deep to be followed is refused, and no depth is too deep to be looked at', () => {
  expect(explainHeaderMarks(deep(31, schemaOf({ p: marked('P') })))).toBeUndefined();
  expect(explainHeaderMarks(deep(33, schemaOf({ p: marked('P') })))).toContain('deeper than 32 levels');
  let schema: object = marked('P');
  for (let level = 0; level < 100_000; level++) schema = { items: schema };
  expect(explainHeaderMarks(schema)).toMatch(/^"x-mcp-header" stands at "items\.items.*…", which is no property/);
});
