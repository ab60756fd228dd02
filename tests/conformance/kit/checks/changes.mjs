import { plain } from '../trial.mjs';
import { metaKey } from '../wire/protocol.mjs';

const kinds = ['tools', 'prompts', 'resources'];
const isUpdate = (uri) => (message) => message.method === 'notifications/resources/updated' && message.params?.uri === uri;
/**
 * What is told of changes is told to clients that share a server and to those that may have one of their own. Modern clients
 * have no sessions whose server a gateway could know to be theirs, so what theirs does over stdio is told to nobody.
 */
export const listeners = [
  { own: plain, who: '' },
  {
    own: {},
    who: ', also to a client that can be asked',
    when: ({ server, client, transport }) => !(server === 'handshake' && client === 'modern' && transport === 'stdio'),
  },
];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quietMs = 250;

/** Changes of lists and of resources, told to who asked for them. */
export const changeChecks = [
  ...listeners.flatMap(({ own, who, when }) =>
    kinds.map((kind) => ({
      group: 'changes',
      name: `a change of the list of ${kind} is told once, and the list has it${who}`,
      when,
      run: async (t) => {
        const client = await t.openThrough(own);
        const watching = await client.watch();
        const method = `notifications/${kind}/list_changed`;
        const told = () => watching.inbox.messages.filter((message) => message.method === method);
        for (const isThere of [true, false]) {
          const before = told().length;
          await client.call('change', { kind });
          const found = await watching.inbox.waitFor(() => told().length > before);
          await pause(quietMs);
          t.expect(`/${isThere ? 'added' : 'removed'}/told`, 1, told().length - before);
          if (t.cell.client === 'modern')
            t.expect('/params/_meta/subscriptionId', watching.id, found?.params?._meta?.[metaKey.subscriptionId]);
          const { items } = await client.list(`${kind}/list`);
          t.expect(
            `/${isThere ? 'added' : 'removed'}/listed`,
            isThere,
            items.some((item) => item.name.endsWith('added')),
          );
        }
        await watching.stop();
      },
    })),
  ),
  ...listeners.map(({ own, who, when }) => ({
    group: 'subscriptions',
    name: `a change of a resource is told to who subscribed, as it is, until unsubscribed${who}`,
    when,
    run: async (t) => {
      const uri = t.through.uriOf('watched');
      const seen = {};
      for (const [name, client] of [
        ['direct', await t.openDirect()],
        ['through', await t.openThrough(own)],
      ]) {
        const watching = await client.watch({ uris: [uri] });
        await client.call('touch', { uri });
        const found = await watching.inbox.waitFor(isUpdate(uri));
        await client.call('touch', { uri: `${uri}/other` });
        await watching.stop();
        await pause(quietMs);
        await client.call('touch', { uri });
        await pause(quietMs);
        const { [metaKey.subscriptionId]: _tag, ..._meta } = found?.params?._meta ?? {};
        seen[name] = {
          params: { ...found?.params, _meta },
          told: watching.inbox.messages.filter(({ method }) => method === 'notifications/resources/updated').length,
        };
      }
      t.expect('', seen.direct, seen.through);
    },
  })),
  {
    group: 'subscriptions',
    name: 'of two subscribers one may go, and the server is told when both have gone',
    run: async (t) => {
      // A URI of its own, so that what other checks subscribed to does not count.
      const nonce = t.nonce('watched');
      const uri = t.through.uriOf(`items/${nonce}`);
      const clients = [await t.openThrough(plain), await t.openThrough(plain)];
      const watching = [await clients[0].watch({ uris: [uri] }), await clients[1].watch({ uris: [uri] })];
      const begun = await t.waitForJournal(nonce, ({ notifications }) => notifications.length > 0);
      t.demand('/subscribed', begun.notifications.length > 0, 'a subscription', 0);
      await watching[0].stop();
      await pause(quietMs);
      await clients[1].call('touch', { uri });
      t.demand('/told to the other', (await watching[1].inbox.waitFor(isUpdate(uri))) !== undefined, 'an update');
      await watching[1].stop();
      const isEnd = ({ method }) => method === 'resources/unsubscribe' || method === 'subscriptions/end';
      const isOver = ({ notifications }) => notifications.filter(isEnd).length * 2 === notifications.length;
      const ended = await t.waitForJournal(nonce, isOver);
      t.demand(
        '/unsubscribed',
        isOver(ended),
        'an end for each subscription',
        ended.notifications.map(({ method }) => method),
      );
    },
  },
  {
    group: 'subscriptions',
    name: 'what is honoured is acknowledged first, under the exact id',
    when: ({ client }) => client === 'modern',
    run: async (t) => {
      const uris = [t.through.uriOf('watched')];
      for (const id of ['listen-1', 4711, '4711']) {
        const client = await t.openThrough(plain);
        const { acknowledged, stop } = await client.watch({ uris, id });
        t.expect('/method', 'notifications/subscriptions/acknowledged', acknowledged?.method);
        t.expect('/params/_meta/subscriptionId', id, acknowledged?.params?._meta?.[metaKey.subscriptionId]);
        t.expect('/params/notifications/resourceSubscriptions', uris, acknowledged?.params?.notifications?.resourceSubscriptions);
        t.expect('/params/notifications/toolsListChanged', true, acknowledged?.params?.notifications?.toolsListChanged);
        await stop();
      }
    },
  },
];

const cancelled = ({ call }) => call?.state === 'cancelled';

/** Cancellation, in the way of each generation. */
export const cancellationChecks = [
  {
    group: 'cancellation',
    name: 'a cancelled call is cancelled at the server, with its reason, and no other is',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const nonces = [t.nonce('stay'), t.nonce('cancel'), t.nonce('stay')];
      const reason = `no longer needed ${nonces[1]}`;
      const calls = await hold(t, nonces, (nonce, index) => ({ id: [500, '500', 501][index], timeoutMs: 5000 }));
      await t.plain.notify('notifications/cancelled', { requestId: '500', reason });
      const seen = await t.waitForJournal(nonces[1], cancelled);
      t.expect('/cancelled/state', 'cancelled', seen.call?.state);
      await othersGoOn(t, [nonces[0], nonces[2]], [calls[0], calls[2]]);
      calls[1].catch(() => undefined);
    },
  },
  {
    group: 'cancellation',
    name: 'closing the stream of a call cancels it at the server, and no other',
    when: ({ client }) => client === 'modern',
    run: async (t) => {
      const nonces = [t.nonce('stay'), t.nonce('cancel'), t.nonce('stay')];
      const stop = new AbortController();
      const calls = await hold(t, nonces, (nonce, index) => (index === 1 ? { signal: stop.signal } : {}));
      stop.abort();
      await calls[1].catch(() => undefined);
      const seen = await t.waitForJournal(nonces[1], cancelled);
      t.expect('/cancelled/state', 'cancelled', seen.call?.state);
      await othersGoOn(t, [nonces[0], nonces[2]], [calls[0], calls[2]]);
    },
  },
  {
    group: 'cancellation',
    name: 'a lost connection does not cancel a call',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const nonce = t.nonce('lost');
      const stop = new AbortController();
      const [call] = await hold(t, [nonce], () => ({ signal: stop.signal }));
      stop.abort();
      await call.catch(() => undefined);
      await pause(quietMs);
      const { call: seen } = await t.journal(nonce);
      t.expect('/state', 'running', seen?.state);
      await t.plain.call('release', { about: nonce });
    },
  },
  {
    group: 'cancellation',
    name: 'cancelling what nobody asked for is ignored',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const nonce = t.nonce('stay');
      const [call] = await hold(t, [nonce], () => ({ id: 'known' }));
      for (const requestId of ['unknown', 4711, 'KNOWN', null]) await t.plain.notify('notifications/cancelled', { requestId });
      await pause(quietMs);
      await othersGoOn(t, [nonce], [call]);
    },
  },
];

/** Starts calls that hang, and waits until the server has them all. */
async function hold(t, nonces, given) {
  const calls = nonces.map((nonce, index) => t.plain.call('hang', { nonce }, given(nonce, index)));
  for (const call of calls) call.catch(() => undefined);
  for (const nonce of nonces) await t.waitForJournal(nonce, ({ call }) => call !== null);
  return calls;
}

async function othersGoOn(t, nonces, calls) {
  for (const [index, nonce] of nonces.entries()) {
    const { call } = await t.journal(nonce);
    t.expect('/other/state', 'running', call?.state);
    await t.plain.call('release', { about: nonce });
    const { response } = await calls[index];
    t.expect('/other/answer', `released ${nonce}`, response.result?.content?.[0]?.text);
  }
}
