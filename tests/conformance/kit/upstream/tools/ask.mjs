import { JsonText } from '../../wire/json.mjs';
import { code, RpcError } from '../../wire/protocol.mjs';

const nonced = { type: 'object', properties: { nonce: { type: 'string' } } };
const answered = (answers) => ({ content: [{ type: 'text', text: 'answered' }], structuredContent: { answers } });

const sampling = (nonce) => ({
  method: 'sampling/createMessage',
  params: {
    messages: [
      { role: 'user', content: { type: 'text', text: `Say ${nonce}`, annotations: { priority: 1 }, _meta: { 'kit.test/vendor': 1 } } },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'call-1', name: 'lookup', input: { word: 'x', nested: [{}] }, _meta: {} }],
      },
      { role: 'user', content: [{ type: 'tool_result', toolUseId: 'call-1', content: [{ type: 'text', text: 'found' }], isError: false }] },
    ],
    modelPreferences: {
      hints: [{ name: 'small', 'kit.test/unknown': 1 }],
      costPriority: 0.1,
      speedPriority: 0.2,
      intelligencePriority: 0.3,
    },
    systemPrompt: 'Be brief',
    temperature: 0.5,
    maxTokens: 100,
    stopSequences: ['END'],
    metadata: { vendor: { any: ['thing'] } },
    tools: [
      {
        name: 'lookup',
        title: 'Look up',
        inputSchema: { type: 'object', $defs: { a: true }, 'x-vendor': 1 },
        annotations: { readOnlyHint: true },
      },
    ],
    toolChoice: { mode: 'auto' },
    _meta: { 'kit.test/vendor': nonce },
    'kit.test/unknown': { of: 'a request of the server' },
  },
});

const form = (nonce) => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: `Who are you? ${nonce}`,
    requestedSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        name: { type: 'string', title: 'Name', description: 'Your name', minLength: 1, maxLength: 50, default: 'John Doe' },
        email: { type: 'string', format: 'email' },
        age: { type: 'integer', minimum: 0, maximum: 150, default: 30 },
        score: { type: 'number', default: 95.5 },
        verified: { type: 'boolean', default: true },
        plain: { type: 'string', enum: ['a', 'b'] },
        named: { type: 'string', enum: ['a', 'b'], enumNames: ['Option A', 'Option B'] },
        titled: {
          type: 'string',
          oneOf: [
            { const: 'a', title: 'Option A' },
            { const: 'b', title: 'Option B' },
          ],
        },
        several: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string', enum: ['a', 'b'] }, default: ['a'] },
        severalTitled: {
          type: 'array',
          items: {
            anyOf: [
              { const: 'a', title: 'Option A' },
              { const: 'b', title: 'Option B' },
            ],
          },
        },
      },
      required: ['name'],
      'x-vendor': { kept: true },
    },
    _meta: { 'kit.test/vendor': nonce },
    'kit.test/unknown': [1],
  },
});

const url = (nonce) => ({
  method: 'elicitation/create',
  params: {
    mode: 'url',
    elicitationId: `kit-${nonce}`,
    url: `https://kit.test/sign-in?nonce=${nonce}&x=%2F`,
    message: 'Please sign in',
    'kit.test/unknown': 2,
  },
});

const roots = { method: 'roots/list', params: { _meta: { 'kit.test/vendor': 3 } } };
const short = (message) => ({
  method: 'elicitation/create',
  params: { mode: 'form', message, requestedSchema: { type: 'object', properties: { value: { type: 'string' } } } },
});

const big = new JsonText('9007199254740993');
const bigSampling = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: { type: 'text', text: 'Big' } }], maxTokens: 100, metadata: { big } },
};

const tool = (name, description, run) => ({ listed: { name, description, inputSchema: nonced }, run });

/**
 * Tools that need answers of the client. `ask` takes a round's name and its requests and resolves to the answers; whether
 * the requests travel as requests or in a result is the business of the generation.
 */
export const askTools = [
  tool('ask_sampling', "Asks the client's model", async ({ ask, arguments: { nonce } }) =>
    answered(await ask('one', { model: sampling(nonce) })),
  ),
  tool('ask_form', 'Asks the user to fill in a form', async ({ ask, arguments: { nonce } }) =>
    answered(await ask('one', { user: form(nonce) })),
  ),
  tool('ask_big', 'Asks with numbers that a double cannot hold', async ({ ask }) => answered(await ask('one', { model: bigSampling }))),
  tool('ask_url', 'Asks the user to open an address', async ({ ask, arguments: { nonce } }) =>
    answered(await ask('one', { user: url(nonce) })),
  ),
  tool('ask_roots', 'Asks the client for its roots', async ({ ask }) => answered(await ask('one', { folders: roots }))),
  tool('ask_at_once', 'Asks three things at once', async ({ ask, arguments: { nonce } }) =>
    answered(await ask('one', { model: sampling(nonce), user: short(`At once ${nonce}`), folders: roots })),
  ),
  tool('ask_rounds', 'Asks three times, each time knowing the answer before', async ({ ask, progress, arguments: { nonce } }) => {
    progress({ progress: 1, message: 'before the first question' });
    const first = await ask('one', { a: short(`First ${nonce}`) });
    const second = await ask('two', { b: short(`Second after ${first.a.content?.value}`) });
    const third = await ask('three', { c: short(`Third after ${second.b.content?.value}`) });
    return answered({ first, second, third });
  }),
  {
    only: 'handshake',
    ...tool('needs_url', 'Refuses until an address was opened', ({ arguments: { nonce } }) => {
      const { method: _method, params } = url(nonce);
      throw new RpcError(code.urlElicitationRequired, 'Sign in first', { elicitations: [params], 'kit.test/unknown': 1 });
    }),
  },
  {
    only: 'handshake',
    ...tool('elicitation_done', 'Says that what was asked by address is done', ({ notify, arguments: { nonce } }) => {
      notify('notifications/elicitation/complete', { elicitationId: `kit-${nonce}`, _meta: { 'kit.test/vendor': 1 } });
      return answered({});
    }),
  },
];
