import { JsonText } from '../../wire/json.mjs';
import { echo } from './results.mjs';

const object = { type: 'object' };

const richSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://kit.test/schemas/rich',
  $comment: 'A comment in a schema',
  type: 'object',
  $defs: {
    // Clients of the handshake generation refuse these among the arguments themselves.
    flags: { properties: { never: false, always: true } },
    address: {
      $anchor: 'address',
      type: 'object',
      properties: { street: { type: 'string' }, zip: { type: 'string', pattern: '^[0-9]{5}$' } },
    },
    tree: { $dynamicAnchor: 'node', type: 'object', properties: { children: { type: 'array', items: { $dynamicRef: '#node' } } } },
  },
  properties: {
    home: { $ref: '#/$defs/address' },
    work: { $ref: '#address' },
    tree: { $ref: '#/$defs/tree' },
    kind: { enum: ['a', 1, null, { deep: true }], default: null },
    constant: { const: { any: ['value'] } },
    mixed: { type: ['string', 'null'], minLength: 1, examples: ['x', null] },
    tuple: { type: 'array', prefixItems: [{ type: 'string' }, true], items: false, contains: { const: 'x' }, minContains: 0 },
    old: { type: 'string', deprecated: true, readOnly: true, writeOnly: false, contentEncoding: 'base64', contentMediaType: 'image/png' },
  },
  patternProperties: { '^x-': { type: 'number' } },
  propertyNames: { maxLength: 64 },
  dependentRequired: { home: ['kind'] },
  dependentSchemas: { work: { properties: { badge: { type: 'string' } } } },
  allOf: [{ anyOf: [true, { required: ['home'] }] }, { not: { required: ['old', 'kind'] } }],
  if: { required: ['kind'] },
  // oxlint-disable-next-line unicorn/no-thenable -- A JSON Schema keyword, never awaited.
  then: { minProperties: 1 },
  else: { maxProperties: 100 },
  unevaluatedProperties: true,
};

/** Tools that are there for their definitions: everything a definition can say. All of them echo. */
export const definitionTools = [
  {
    name: 'described',
    title: 'A tool with a title, é and \u{1f680}',
    description: 'Line one\nLine two\twith "quotes" and \\ backslash',
    icons: [
      {
        src: 'data:image/svg+xml;base64,PHN2Zy8+',
        mimeType: 'image/svg+xml',
        sizes: ['48x48', 'any'],
        theme: 'light',
        'kit.test/unknown': 1,
      },
      { src: 'https://kit.test/icon.png' },
    ],
    annotations: {
      title: 'Another title',
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
      'kit.test/hint': { unknown: ['hint'] },
    },
    inputSchema: object,
    outputSchema: { type: 'object', properties: { nonce: {}, received: object }, required: ['received'], 'x-kit': { vendor: true } },
    _meta: { 'kit.test/vendor': { kept: true }, ui: { resourceUri: 'ui://kit/view.html', visibility: ['model'] } },
    'kit.test/unknown': { of: 'a tool', list: [1, 2, 3] },
    vendorField: null,
  },
  { name: 'schema_keywords', description: 'Every keyword of JSON Schema 2020-12', inputSchema: richSchema },
  {
    name: 'schema_vendor',
    description: 'Keywords that no draft knows',
    inputSchema: {
      type: 'object',
      properties: { a: { type: 'string', 'x-order': 1, markdownDescription: '**bold**', enumDescriptions: ['x'], 'kit.test/k': {} } },
      'x-vendor': [{ nested: { deeply: true } }],
      additionalProperties: { 'x-any': 1 },
    },
  },
  {
    name: 'schema_names',
    description: 'Names that are odd and legal',
    inputSchema: {
      type: 'object',
      properties: new JsonText(
        '{"":{"type":"string"},"__proto__":{"type":"number"},"constructor":{},"größe":{},"a/b~c":{},"\\ud83d\\ude80":{}}',
      ),
    },
  },
  {
    name: 'schema_numbers',
    description: 'Numbers that a double cannot hold',
    inputSchema: {
      type: 'object',
      properties: {
        id: new JsonText('{"type":"integer","maximum":9007199254740993,"minimum":-18446744073709551615}'),
        ratio: new JsonText(
          '{"type":"number","multipleOf":0.1000000000000000055511151231257827,"default":3.141592653589793238462643383279}',
        ),
      },
    },
  },
  {
    name: 'schema_draft7',
    description: 'An older draft',
    inputSchema: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', definitions: { a: object } },
  },
  {
    name: 'taskable',
    description: 'May be run as a task',
    inputSchema: object,
    execution: { taskSupport: 'optional', 'kit.test/unknown': 1 },
  },
  {
    name: 'mirrored',
    description: 'Has an argument that is repeated in a header',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Kit-Region' } }, required: ['region'] },
  },
].map((listed) => ({ listed, run: echo }));

// Only the modern revision lets structured content be anything, and an output schema describe it.
definitionTools.push({
  only: 'modern',
  listed: {
    name: 'schema_list_output',
    description: 'Answers a list as structured content',
    inputSchema: object,
    outputSchema: { type: 'array', items: { type: 'integer' } },
  },
  run: () => ({ content: [{ type: 'text', text: '[1,2,3]' }], structuredContent: [1, 2, 3] }),
});
