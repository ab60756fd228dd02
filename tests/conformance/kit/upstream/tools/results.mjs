import { RpcError } from '../../wire/protocol.mjs';

const text = (value) => ({ type: 'text', text: value });
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const icons = [{ src: 'https://kit.test/icon.svg', mimeType: 'image/svg+xml', sizes: ['any'], theme: 'dark', 'kit.test/unknown': 1 }];
const annotations = { audience: ['user', 'assistant'], priority: 0.25, lastModified: '2026-01-02T03:04:05Z', 'kit.test/unknown': [{}] };
const _meta = { 'kit.test/vendor': { kept: true, list: [1, null, 'x'] } };

/** Gives back what it got, so that checks see what of a request arrives. */
export const echo = ({ arguments: given, params }) => ({
  content: [text(`echo ${given.nonce ?? ''}`)],
  structuredContent: { nonce: given.nonce ?? null, received: params },
});

const everyContent = [
  { ...text('plain, with everything beside it'), annotations, _meta, 'kit.test/unknown': { deep: [true] } },
  { type: 'image', data: png, mimeType: 'image/png', annotations, _meta, 'kit.test/unknown': 1 },
  { type: 'audio', data: 'UklGRiQAAABXQVZFZm10IA==', mimeType: 'audio/wav', annotations, _meta },
  {
    type: 'resource',
    resource: { uri: 'kit://note', mimeType: 'text/plain', text: 'embedded', _meta, 'kit.test/unknown': 2 },
    annotations,
  },
  { type: 'resource', resource: { uri: 'kit://blob', mimeType: 'image/png', blob: png }, _meta },
  {
    type: 'resource_link',
    uri: 'kit://note',
    name: 'note',
    title: 'A note',
    description: 'A link',
    mimeType: 'text/plain',
    size: 12,
    icons,
    annotations,
    _meta,
    'kit.test/unknown': 3,
  },
  { type: 'kit.test/video', data: 'AAAA', frames: [1, 2, { of: 3 }], _meta },
  { type: 'text', text: '' },
  { type: 'text', text: 'the last one' },
];

/** Tools whose results have everything a result can have. */
export const resultTools = [
  { listed: { name: 'echo', description: 'Gives back what it got', inputSchema: { type: 'object' } }, run: echo },
  {
    listed: { name: 'rich', description: 'Answers every kind of content', inputSchema: { type: 'object' } },
    run: () => ({
      content: everyContent,
      structuredContent: { object: { nested: [1, 'two', null, { three: 3 }] }, empty: {}, none: [], null: null },
      _meta: { ..._meta, 'kit.test/result': ['a', { b: 'c' }] },
      'kit.test/unknown': { of: 'result', list: [{}, []] },
    }),
  },
  {
    listed: { name: 'structured_only', description: 'Answers structured content and an empty list', inputSchema: { type: 'object' } },
    run: () => ({ content: [], structuredContent: { only: 'structured' } }),
  },
  {
    listed: { name: 'tool_error', description: 'Fails as a tool', inputSchema: { type: 'object' } },
    run: () => ({
      isError: true,
      content: [text('It failed as asked'), { type: 'kit.test/trace', frames: ['a', 'b'] }],
      structuredContent: { reason: { code: 'E_KIT', retry: false } },
      _meta,
      'kit.test/unknown': 'beside isError',
    }),
  },
  {
    listed: { name: 'not_an_error', description: 'Says that it did not fail', inputSchema: { type: 'object' } },
    run: () => ({ isError: false, content: [text('isError is false, and said so')] }),
  },
  {
    listed: {
      name: 'protocol_error',
      description: 'Fails as a request, with the error it is given',
      inputSchema: { type: 'object', properties: { code: { type: 'integer' }, message: { type: 'string' }, data: {} } },
    },
    run: ({ arguments: { code, message, data } }) => {
      throw new RpcError(code, message, data);
    },
  },
];
