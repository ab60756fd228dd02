const icons = [{ src: 'https://kit.test/icon.png', sizes: ['48x48'], 'kit.test/unknown': 1 }];
const _meta = { 'kit.test/vendor': { kept: true } };
const say = (role, content) => ({ role, content });

/** The kit's prompts: what is listed, and what getting one gives. */
export const promptTable = [
  { listed: { name: 'bare' }, get: () => ({ messages: [] }) },
  {
    listed: {
      name: 'rich',
      title: 'A rich prompt \u{1f680}',
      description: 'With all there is',
      icons,
      arguments: [
        { name: 'city', title: 'City', description: 'Where', required: true, 'kit.test/unknown': 1 },
        { name: 'größe', required: false },
      ],
      _meta,
      'kit.test/unknown': { of: 'a prompt' },
    },
    get: ({ params }) => ({
      description: 'What came of it',
      messages: [
        say('user', { type: 'text', text: `In ${params.arguments?.city}`, annotations: { priority: 0.5 }, _meta, 'kit.test/unknown': 1 }),
        say('assistant', { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' }),
        say('user', { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' }),
        say('user', { type: 'resource', resource: { uri: 'kit://note', text: 'embedded', _meta } }),
        say('user', { type: 'resource_link', uri: 'kit://note', name: 'note', icons }),
        { role: 'user', content: { type: 'kit.test/unknown', any: ['thing'] }, 'kit.test/unknown': 'of a message' },
      ],
      _meta: { 'kit.test/result': 1 },
      'kit.test/unknown': { of: 'a result' },
    }),
  },
  {
    listed: { name: 'echo', description: 'Gives back what it got', arguments: [{ name: 'text' }] },
    get: ({ params }) => ({ messages: [say('user', { type: 'text', text: 'echo' })], received: params }),
  },
  {
    listed: { name: 'asks', description: 'Asks before it answers' },
    get: async ({ ask }) => {
      const requestedSchema = { type: 'object', properties: { value: { type: 'string' } } };
      const answers = await ask('one', {
        user: { method: 'elicitation/create', params: { mode: 'form', message: 'For a prompt', requestedSchema } },
      });
      return { messages: [say('user', { type: 'text', text: 'asked' })], answers };
    },
  },
];

const words = ['paris', 'park', 'party', 'größe', '\u{1f680}'];

/** Completes anything with words that begin as it does, and gives back what it got. */
export function complete({ params }) {
  const values = words.filter((word) => word.startsWith(params.argument?.value ?? ''));
  return {
    completion: { values, total: 4711, hasMore: true, 'kit.test/unknown': 1 },
    received: params,
    _meta: { 'kit.test/result': 1 },
    'kit.test/unknown': { of: 'a completion' },
  };
}
