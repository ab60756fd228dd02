import { reply } from '../client/replies.mjs';
import { code, RpcError } from '../wire/protocol.mjs';

const ask = (group, tool, name, own = {}) => ({ group, name, run: (t) => t.compareCall(tool, { nonce: 'fixed' }, own) });
const declining = {
  reply: (asked) => (asked.method === 'elicitation/create' ? { action: 'decline', 'kit.test/unknown': 1 } : reply(asked)),
};
const cancelling = { reply: (asked) => (asked.method === 'elicitation/create' ? { action: 'cancel' } : reply(asked)) };

/**
 * What a server asks of its client, in the way of each generation: as a request on the stream of the call, or as a result
 * that needs input. Across generations the questions and the final result are compared, whichever way they went.
 */
export const askChecks = [
  ask('sampling', 'ask_sampling', 'a request for sampling, with tools, reaches the client and its answer the server'),
  ask('elicitation', 'ask_form', 'a form with every kind of field reaches the client and its answer the server'),
  ask('elicitation', 'ask_form', 'a declined form is told to the server', declining),
  ask('elicitation', 'ask_form', 'a form that is closed without a choice is told to the server', cancelling),
  ask('elicitation', 'ask_url', 'an address to open reaches the client and its answer the server'),
  ask('roots', 'ask_roots', 'a request for roots reaches the client and its answer the server'),
  ask('rounds', 'ask_at_once', 'three questions at once are all answered'),
  ask('rounds', 'ask_rounds', 'three questions, each depending on the answer before, with progress', { meta: { progressToken: 'rounds' } }),
  { group: 'rounds', name: 'a prompt may ask', run: (t) => t.compare('prompts/get', (side) => ({ name: side.nameOf('asks') })) },
  {
    group: 'rounds',
    name: 'the reading of a resource may ask',
    run: (t) => t.compare('resources/read', (side) => ({ uri: side.uriOf('asks') })),
  },
  {
    group: 'rounds',
    name: 'the server runs a call once for each time its generation has to',
    run: async (t) => {
      const nonce = t.nonce('runs');
      const { response } = await t.through.call('ask_rounds', { nonce });
      t.demand('/result', response.result?.structuredContent?.answers?.third !== undefined, 'the answers of all rounds', response);
      const { call } = await t.journal(nonce, t.through);
      t.expect('/runs', t.cell.server === 'modern' ? 4 : 1, call?.runs);
    },
  },
  {
    group: 'rounds',
    name: 'twenty calls that ask at the same time get each their own answers',
    run: async (t) => {
      const nonces = Array.from({ length: 20 }, () => t.nonce('own'));
      const calls = nonces.map((nonce) =>
        t.through.call(
          'ask_rounds',
          { nonce },
          { reply: ({ params }) => ({ action: 'accept', content: { value: `${nonce}/${params.message}` } }) },
        ),
      );
      for (const [index, { response, asks }] of (await Promise.all(calls)).entries()) {
        const { first, second, third } = response.result?.structuredContent?.answers ?? {};
        t.expect('/asks/0/params/message', `First ${nonces[index]}`, asks[0]?.params?.message);
        const values = [first?.a, second?.b, third?.c].map((answer) => String(answer?.content?.value).startsWith(`${nonces[index]}/`));
        t.expect('/answers', [true, true, true], values);
      }
    },
  },
  {
    group: 'rounds',
    name: 'a client that refuses to answer ends the call with an error',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const refusing = () => {
        throw new RpcError(-1, 'The user refused');
      };
      const { response } = await t.through.call('ask_form', { nonce: 'fixed' }, { reply: refusing });
      t.demand('/result/isError', response.result?.isError === true || response.error !== undefined, 'an error', response);
    },
  },
  ...[
    ['sampling', 'ask_sampling'],
    ['elicitation', 'ask_form'],
    ['roots', 'ask_roots'],
  ].map(([capability, tool]) => ({
    group: capability,
    name: `a client without ${capability} is not asked, and the error names it`,
    run: async (t) => {
      const client = await t.openThrough({ capabilities: {} });
      const { response, asks } = await client.call(tool, { nonce: 'fixed' });
      t.expect('/asks', [], asks);
      const isRefused = response.error !== undefined || response.result?.isError === true;
      t.demand(
        '/error',
        isRefused && JSON.stringify(response).includes(capability),
        `an error that names ${capability}`,
        response.error ?? response.result,
      );
      if (t.cell.client === 'modern' && response.error !== undefined) t.expect('/error/code', code.missingCapability, response.error.code);
    },
  })),
  {
    group: 'elicitation',
    name: 'the error that wants an address opened arrives as it is',
    when: ({ server, client }) => server === 'handshake' && client === 'handshake',
    run: (t) => t.compareCall('needs_url', { nonce: 'fixed' }),
  },
  {
    group: 'elicitation',
    name: 'the error that wants an address opened becomes a result that needs input',
    when: ({ server, client }) => server === 'handshake' && client === 'modern',
    run: async (t) => {
      const { response } = await t.through.call('needs_url', { nonce: 'fixed' }, { isSingle: true });
      t.expect('/result/resultType', 'input_required', response.result?.resultType);
      const [asked] = Object.values(response.result?.inputRequests ?? {});
      t.expect('/inputRequests/*/method', 'elicitation/create', asked?.method);
      t.expect('/inputRequests/*/params/url', 'https://kit.test/sign-in?nonce=fixed&x=%2F', asked?.params?.url);
    },
  },
  {
    group: 'elicitation',
    name: 'the end of what was asked by address is told to the client',
    when: ({ server, client }) => server === 'handshake' && client === 'handshake',
    run: (t) => t.compareCall('elicitation_done', { nonce: 'fixed' }),
  },
  {
    group: 'elicitation',
    name: 'cancelling a call that asks ends it at the server',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const nonce = t.nonce('asking');
      const never = new Promise(() => undefined);
      const client = await t.openThrough();
      // Nothing else is called meanwhile: over stdio the question might be taken for that call's.
      const isAsked = await new Promise((resolve) => {
        const reply = () => {
          resolve(true);
          return never;
        };
        client.call('ask_form', { nonce }, { id: 'asking', timeoutMs: 3000, reply }).catch(() => resolve(false));
      });
      t.demand('/asked', isAsked, 'a call that asks', isAsked);
      await client.notify('notifications/cancelled', { requestId: 'asking' });
      if (t.cell.server === 'modern') return;
      const seen = await t.waitForJournal(nonce, ({ call: last }) => last?.state === 'cancelled', { side: client });
      t.expect('/state', 'cancelled', seen.call?.state);
    },
  },
];

const single = { isSingle: true };
const answers = { user: { action: 'accept', content: { name: 'x' } } };

/** What holds a call while the client thinks: opaque to the client, and good for nothing else. */
export const stateChecks = [
  ['with other arguments', { nonce: 'other' }, (state) => state],
  ['that was changed', { nonce: 'fixed' }, (state) => `${state.slice(0, -3)}${state.endsWith('AAA') ? 'BBB' : 'AAA'}`],
  ['that was made up', { nonce: 'fixed' }, () => 'bWFkZSB1cA.00ff'],
].map(([what, args, change]) => ({
  group: 'rounds',
  name: `a requestState ${what} is refused as invalid`,
  when: ({ client }) => client === 'modern',
  run: async (t) => {
    const { response } = await t.through.call('ask_form', { nonce: 'fixed' }, single);
    t.expect('/result/resultType', 'input_required', response.result?.resultType);
    const requestState = change(String(response.result?.requestState));
    const inputResponses = Object.fromEntries(Object.keys(response.result?.inputRequests ?? {}).map((key) => [key, answers.user]));
    const { response: second } = await t.through.call('ask_form', args, { ...single, params: { requestState, inputResponses } });
    t.expect('/error/code', code.invalidParams, second.error?.code);
  },
}));
