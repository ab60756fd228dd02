import { JsonText } from '../wire/json.mjs';
import { compareItems } from './lists.mjs';

const uris = [
  'plain',
  'rich',
  'blob',
  'several',
  'path/with%20space?q=1&r=%C3%A9#part',
  'items/1',
  'items/a%2Fb',
  'files/deep/er/file.txt',
  'search?q=x&lang=de',
  'dated/2026/07',
];

/** Resources, templates, prompts and completion. */
export const contentChecks = [
  { group: 'resources', name: 'listed resources keep every member', run: (t) => compareItems(t, 'resources/list') },
  { group: 'resources', name: 'listed templates keep every member', run: (t) => compareItems(t, 'resources/templates/list') },
  ...uris.map((uri) => ({
    group: 'resources',
    name: `reading ${uri} gives the same`,
    run: (t) => t.compare('resources/read', (side) => ({ uri: side.uriOf(uri) })),
  })),
  {
    group: 'resources',
    name: 'reading the page of a user interface gives the same',
    run: (t) => t.compare('resources/read', { uri: 'ui://kit/view.html' }),
  },
  {
    group: 'resources',
    name: 'a resource that is not there is refused with the code of the generation and its URI',
    run: async (t) => {
      const { response } = await t.through.request('resources/read', { uri: 'kit://nothing' });
      t.expect('/error/code', t.cell.client === 'modern' ? -32602 : -32002, response.error?.code);
      t.expect('/error/data/uri', 'kit://nothing', response.error?.data?.uri);
    },
  },
  {
    group: 'resources',
    name: 'the error of a resource that fits a template is the one of the server',
    run: (t) => t.compare('resources/read', (side) => ({ uri: side.uriOf('items/missing') })),
  },
  {
    // Links in results need not be listed, says the specification, and are there to be read.
    group: 'resources',
    name: 'a resource that is neither listed nor fits a template can be read',
    run: (t) => t.compare('resources/read', (side) => ({ uri: side.uriOf('unlisted') })),
  },
  { group: 'prompts', name: 'listed prompts keep every member', run: (t) => compareItems(t, 'prompts/list') },
  {
    group: 'prompts',
    name: 'a prompt without messages arrives as it is',
    run: (t) => t.compare('prompts/get', (side) => ({ name: side.nameOf('bare') })),
  },
  {
    group: 'prompts',
    name: 'a prompt with every kind of content arrives as it is',
    run: (t) => t.compare('prompts/get', (side) => ({ name: side.nameOf('rich'), arguments: { city: 'Köln', größe: '1' } })),
  },
  {
    group: 'prompts',
    name: 'unknown members of the request reach the server',
    run: (t) =>
      t.compare('prompts/get', (side) => ({
        name: side.nameOf('echo'),
        arguments: { text: 'x' },
        'kit.test/unknown': { big: new JsonText('9007199254740993') },
        _meta: { 'kit.test/vendor': [1] },
      })),
  },
  ...[
    ['a prompt', (side) => ({ type: 'ref/prompt', name: side.nameOf('rich') })],
    ['a template', (side) => ({ type: 'ref/resource', uri: side.uriOf('items/{id}') })],
  ].map(([what, ref]) => ({
    group: 'completion',
    name: `completing an argument of ${what} gives the same`,
    run: (t) =>
      t.compare('completion/complete', (side) => ({
        ref: { ...ref(side), title: 'T', 'kit.test/unknown': 1 },
        argument: { name: 'city', value: 'pa', 'kit.test/unknown': { deep: [1] } },
        context: { arguments: { größe: '1' }, 'kit.test/unknown': 2 },
        _meta: { 'kit.test/vendor': [1] },
      })),
    // The server gives back the name it got, which is its own.
  })),
  {
    group: 'completion',
    name: 'completing nothing yet gives the same',
    run: (t) =>
      t.compare('completion/complete', (side) => ({
        ref: { type: 'ref/prompt', name: side.nameOf('rich') },
        argument: { name: 'größe', value: '' },
      })),
  },
];

const errors = [
  [
    'a code of the vendor with data',
    { code: -32099, message: 'Vendor \u{1f680}', data: { list: [1, { two: null }], 'kit.test/unknown': {} } },
  ],
  ['a positive code without data', { code: 4711, message: 'Positive' }],
  ['data that is text', { code: -32050, message: 'With text', data: 'text' }],
  ['data that is null', { code: -32050, message: 'With null', data: null }],
  ['data that is a list', { code: -32050, message: 'With a list', data: [1, 'two', {}] }],
  ['a big number in its data', { code: -32050, message: 'Big', data: { big: new JsonText('9007199254740993') } }],
  ['an empty message', { code: -32050, message: '' }],
  ['the code of invalid params', { code: -32602, message: 'Invalid, says the server', data: { field: 'x' } }],
  ['the code of an unknown method', { code: -32601, message: 'Unknown, says the server' }],
  ['the code of an internal error', { code: -32603, message: 'Internal, says the server', data: { stack: ['a'] } }],
];

/** Errors of the protocol. */
export const errorChecks = [
  ...errors.map(([what, error]) => ({
    group: 'errors',
    name: `an error with ${what} arrives as it is`,
    run: async (t) => {
      // A gateway may name a call in the data of an error; what the server put there has to be there still.
      const { direct, through } = await callBoth(t, error);
      const [one, other] = [direct.response.error ?? {}, through.response.error ?? {}];
      t.expect('/error/code', one.code, other.code);
      t.expect('/error/message', one.message, other.message);
      t.expect('/error/data', one.data, other.data);
    },
  })),
  {
    group: 'errors',
    name: 'a tool that nobody has is refused as invalid',
    run: async (t) => {
      const { response } = await t.through.call('nothing');
      t.expect('/error/code', -32602, response.error?.code);
    },
  },
  {
    group: 'errors',
    name: 'a prompt that nobody has is refused as invalid',
    run: async (t) => {
      const { response } = await t.through.request('prompts/get', { name: t.through.nameOf('nothing') });
      t.expect('/error/code', -32602, response.error?.code);
    },
  },
  {
    group: 'errors',
    name: 'a method that nobody has is refused as unknown',
    run: async (t) => {
      const { response, status } = await t.through.request('nobody/knows', {});
      t.expect('/error/code', -32601, response.error?.code);
      if (t.cell.client === 'modern') t.expect('/status', 404, status);
    },
  },
];

async function callBoth(t, error) {
  return { direct: await t.direct.call('protocol_error', error), through: await t.through.call('protocol_error', error) };
}
