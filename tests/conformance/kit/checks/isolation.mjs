import { reply } from '../client/replies.mjs';
import { plain } from '../trial.mjs';
import { code } from '../wire/protocol.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quietMs = 250;

/** Two clients, as alike as can be: same ids, same tokens, at the same time, on the same server unless they can be asked. */
async function openTwo(t, own = plain) {
  return [
    { name: 'a', client: await t.openThrough(own), nonce: t.nonce('a') },
    { name: 'b', client: await t.openThrough(own), nonce: t.nonce('b') },
  ];
}

const textOf = ({ response }) => response.result?.content?.[0]?.text;

/** Two callers at the same time: nothing of one reaches the other. */
export const isolationChecks = [
  {
    group: 'isolation',
    name: 'progress of one caller never reaches another with the same id and token',
    run: async (t) => {
      const two = await openTwo(t);
      const calls = two.map(({ client, nonce }) => client.call('progress_of', { nonce, times: 10 }, { id: 7, meta: { progressToken: 7 } }));
      for (const [index, exchange] of (await Promise.all(calls)).entries()) {
        const { nonce } = two[index];
        const told = exchange.events.filter(({ method }) => method === 'notifications/progress').map(({ params }) => params.message);
        t.expect(
          '/progress',
          Array.from({ length: 10 }, () => nonce),
          told,
        );
        t.expect('/answer', `progressed ${nonce}`, textOf(exchange));
      }
    },
  },
  {
    group: 'isolation',
    name: 'logs of one caller never reach another that has a call in flight',
    run: async (t) => {
      const [a, b] = await openTwo(t);
      for (const { client } of [a, b]) await client.setLevel('debug');
      const held = b.client.call('hang', { nonce: b.nonce }, { id: 7, meta: { progressToken: 7 } });
      held.catch(() => undefined);
      await t.waitForJournal(b.nonce, ({ call }) => call !== null);
      await a.client.call('log', { nonce: a.nonce }, { id: 7 });
      await t.plain.call('release', { about: b.nonce });
      const { events } = await held;
      const told = [...events, ...b.client.unsolicited.messages].filter(({ method }) => method === 'notifications/message');
      t.expect('/told to the other', [], told);
    },
  },
  {
    group: 'isolation',
    name: 'the log level of one session is not that of another',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const two = await openTwo(t);
      await two[0].client.setLevel('debug');
      await two[1].client.setLevel('emergency');
      for (const [index, count] of [8, 1].entries()) {
        const { events } = await two[index].client.call('log', { nonce: 'fixed' });
        t.expect(`/${two[index].name}/logs`, count, events.length);
      }
    },
  },
  {
    group: 'isolation',
    name: 'questions of one call never reach another caller, nor their answers another call',
    run: async (t) => {
      const two = await openTwo(t, { reply: ({ params }) => ({ action: 'accept', content: { value: params.message } }) });
      const calls = two.map(({ client, nonce }) => client.call('ask_rounds', { nonce }, { id: 7 }));
      for (const [index, { response, asks }] of (await Promise.all(calls)).entries()) {
        const { nonce, client } = two[index];
        t.expect('/asks/0', `First ${nonce}`, asks[0]?.params?.message);
        t.expect('/answer', `First ${nonce}`, response.result?.structuredContent?.answers?.first?.a?.content?.value);
        t.expect(
          '/unsolicited',
          [],
          client.unsolicited.messages.filter(({ id }) => id !== undefined),
        );
      }
    },
  },
  {
    group: 'isolation',
    name: 'what a session declared is not taken for another that declared nothing',
    run: async (t) => {
      const able = await t.openThrough();
      const unable = await t.openThrough({ capabilities: {} });
      await able.call('ask_form', { nonce: 'fixed' });
      const { asks, response } = await unable.call('ask_form', { nonce: 'fixed' });
      t.expect('/asks', [], asks);
      t.demand('/error', response.error !== undefined || response.result?.isError === true, 'an error', response.result);
      const { response: last } = await able.call('ask_form', { nonce: 'fixed' });
      t.expect(
        '/able/answers',
        reply({ method: 'elicitation/create', params: { message: 'Who are you? fixed' } }),
        last.result?.structuredContent?.answers?.user,
      );
    },
  },
  {
    group: 'isolation',
    name: 'a change of a resource is told to nobody who did not subscribe',
    run: async (t) => {
      const two = await openTwo(t);
      const uri = t.through.uriOf('watched');
      const watching = [await two[0].client.watch({ uris: [uri] }), await two[1].client.watch()];
      await two[1].client.call('touch', { uri });
      await watching[0].inbox.waitFor(({ method }) => method === 'notifications/resources/updated');
      await pause(quietMs);
      const told = watching.map(({ inbox }) => inbox.messages.filter(({ method }) => method === 'notifications/resources/updated').length);
      t.expect('/told', [1, 0], told);
      for (const { stop } of watching) await stop();
    },
  },
  {
    group: 'isolation',
    name: 'cancelling an id of one session never ends a call of another',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const two = await openTwo(t);
      const call = two[0].client.call('hang', { nonce: two[0].nonce }, { id: 7 });
      call.catch(() => undefined);
      await t.waitForJournal(two[0].nonce, ({ call: seen }) => seen !== null);
      await two[1].client.notify('notifications/cancelled', { requestId: 7 });
      await pause(quietMs);
      t.expect('/state', 'running', (await t.journal(two[0].nonce)).call?.state);
      await t.plain.call('release', { about: two[0].nonce });
      t.expect('/answer', `released ${two[0].nonce}`, textOf(await call));
    },
  },
  {
    group: 'isolation',
    name: 'a task of one session is not listed, shown, fetched or cancelled for another',
    when: ({ server, client }) => server === 'handshake' && client === 'handshake',
    run: async (t) => {
      const [a, b] = await openTwo(t);
      const { response } = await a.client.call('job', { nonce: a.nonce, ms: 2000 }, { params: { task: { ttl: 60_000 } } });
      const taskId = response.result?.task?.taskId;
      t.demand('/result/task/taskId', typeof taskId === 'string', 'a task', response.result ?? response.error);
      if (taskId === undefined) return;
      const { response: listed } = await b.client.request('tasks/list');
      t.demand('/tasks/list', !JSON.stringify(listed).includes(taskId), 'not the task of another', listed.result);
      for (const method of ['tasks/get', 'tasks/cancel', 'tasks/result']) {
        const { response: refused } = await b.client.request(method, { taskId });
        t.expect(`/${method}/error/code`, code.invalidParams, refused.error?.code);
      }
    },
  },
  {
    group: 'isolation',
    name: 'a requestState of the gateway works once',
    when: ({ server, client }) => server === 'handshake' && client === 'modern',
    run: async (t) => {
      const nonce = t.nonce('once');
      const { response } = await t.through.call('ask_form', { nonce }, { isSingle: true });
      const { requestState, inputRequests = {} } = response.result ?? {};
      const inputResponses = Object.fromEntries(Object.entries(inputRequests).map(([key, asked]) => [key, reply(asked)]));
      const again = () => t.through.call('ask_form', { nonce }, { isSingle: true, params: { requestState, inputResponses } });
      const { response: first } = await again();
      t.expect('/first/resultType', 'complete', first.result?.resultType);
      const { response: second } = await again();
      t.expect('/second/error/code', code.invalidParams, second.error?.code);
      t.expect('/runs', 1, (await t.journal(nonce, t.through)).call?.runs);
    },
  },
];
