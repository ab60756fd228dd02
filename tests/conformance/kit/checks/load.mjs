import { randomUUID } from 'node:crypto';
import { plain } from '../trial.mjs';
import { listeners } from './changes.mjs';

const callers = 64;
const progressEvery = 16;
const shown = 5;
const soonMs = 3000;

/** What a gateway has to stand: many callers, a server that hangs, a server that dies. */
export const loadChecks = [
  {
    group: 'many',
    name: `${callers} callers with the same ids get each their own answers and progress`,
    timeoutMs: 600_000,
    run: async (t) => {
      const count = { calls: 0, progress: 0 };
      const crossed = [];
      const each = Math.ceil(t.options.calls / callers / 2);
      await Promise.all(Array.from({ length: callers }, (_, index) => callAlone(t, { index, each, count, crossed })));
      t.expect('/calls', each * callers * 2, count.calls);
      t.demand('/crossed', crossed.length === 0, 0, `${crossed.length}: ${crossed.slice(0, shown).join('; ')}`);
    },
  },
  {
    group: 'hung',
    name: 'while calls hang, others are answered by the same server and lists are there',
    run: async (t) => {
      await withHanging(t, async () => {
        await demandSoon(t, '/echo', () => t.plain.call('echo', { nonce: 'soon' }, { timeoutMs: soonMs }));
        await demandSoon(t, '/tools~1list', () => t.plain.request('tools/list', {}, { timeoutMs: soonMs }));
      });
    },
  },
  {
    group: 'hung',
    name: 'while calls hang, another server answers',
    run: async (t) => {
      const name = await findSecond(t);
      if (name === undefined) return t.skip('there is no second server behind the gateway');
      return withHanging(t, () =>
        demandSoon(t, '/second', () => t.plain.request('tools/call', { name, arguments: { nonce: 'soon' } }, { timeoutMs: soonMs })),
      );
    },
  },
  {
    group: 'hung',
    name: 'a call that hangs ends with an error when its time is over',
    run: async (t) => {
      const { budgetMs } = t.cell;
      const name = await findSecond(t);
      if (budgetMs === undefined || name === undefined) return t.skip('the gateway was not told how long a call may take');
      const started = Date.now();
      const call = { name: name.replace(/echo$/, 'hang'), arguments: { nonce: t.nonce('hung') } };
      const { response } = await t.plain.request('tools/call', call, { timeoutMs: budgetMs + 5000 });
      t.demand('/error', response.error !== undefined || response.result?.isError === true, 'an error', response);
      t.demand('/durationMs', Date.now() - started >= budgetMs * 0.9, `at least ${budgetMs}`, Date.now() - started);
      return demandSoon(t, '/second', () => t.plain.request('tools/call', { name, arguments: { nonce: 'soon' } }, { timeoutMs: soonMs }));
    },
  },
  // The last checks: after them the server has forgotten everything.
  {
    group: 'restart',
    name: 'a call in flight when the server dies ends with an error, and the session goes on',
    timeoutMs: 60_000,
    run: async (t) => {
      const client = await t.openThrough({ ...plain, timeoutMs: 30_000 });
      const nonce = t.nonce('dying');
      const held = client.call('hang', { nonce }, { timeoutMs: 20_000 }).then(
        ({ response }) => (response.error !== undefined || response.result?.isError === true ? 'an error' : response),
        (error) => error.message,
      );
      await t.waitForJournal(nonce, ({ call }) => call !== null);
      await client.call('restart').catch(() => undefined);
      t.expect('/held', 'an error', await held);
      await demandBack(t, client);
    },
  },
  ...listeners.map(({ own, who, when }) => ({
    group: 'restart',
    name: `after a restart of the server, subscriptions work again without being asked for anew${who}`,
    timeoutMs: 60_000,
    when,
    run: async (t) => {
      const client = await t.openThrough({ ...own, timeoutMs: 30_000 });
      const uri = client.uriOf('watched');
      const { inbox, stop, isOver = () => false } = await client.watch({ uris: [uri] });
      const nonce = t.nonce('before');
      await client.call('echo', { nonce });
      await client.call('restart').catch(() => undefined);
      await demandBack(t, client, nonce);
      // That it may have changed meanwhile may be told at once.
      const isUpdate = ({ method, params }) => method === 'notifications/resources/updated' && params?.title === 'Touched';
      let told;
      // A client whose stream was closed knows that it has to listen again; one whose stream is open waits in vain.
      if (isOver()) return;
      for (let attempt = 0; attempt < 10 && told === undefined; attempt++) {
        await client.call('touch', { uri });
        told = await inbox.waitFor(isUpdate, 500);
      }
      t.demand('/told', told !== undefined, 'an update');
      await Promise.resolve(stop()).catch(() => undefined);
    },
  })),
];

// Two calls at a time, whose ids differ in type alone, and the same ids as all other callers have.
async function callAlone(t, { index, each, count, crossed }) {
  const client = await t.openThrough({ ...plain, hasStream: false, timeoutMs: 60_000 });
  for (let round = 0; round < each; round++) {
    await Promise.all(
      [round, String(round)].map((id) => callOnce({ client, id, count, crossed, index, isTold: round % progressEvery === 0 })),
    );
  }
}

async function callOnce({ client, id, count, crossed, index, isTold }) {
  const nonce = randomUUID();
  const [tool, args, own] = isTold
    ? ['progress_of', { nonce, times: 2 }, { id, meta: { progressToken: id } }]
    : ['echo', { nonce }, { id }];
  const { response, events } = await client.call(tool, args, own);
  count.calls++;
  const text = response.result?.content?.[0]?.text;
  const wanted = isTold ? `progressed ${nonce}` : `echo ${nonce}`;
  if (response.id !== id) crossed.push(`caller ${index} asked with id ${JSON.stringify(id)} and got ${JSON.stringify(response.id)}`);
  if (text !== wanted) crossed.push(`caller ${index} wanted "${wanted}" and got "${text ?? JSON.stringify(response.error)}"`);
  if (!isTold) return;
  const told = events.filter(({ method }) => method === 'notifications/progress');
  count.progress += told.length;
  const isOwn = told.length === 2 && told.every(({ params }) => params.message === nonce && params.progressToken === id);
  if (!isOwn) crossed.push(`caller ${index} was told ${JSON.stringify(told.map(({ params }) => params))}`);
}

async function withHanging(t, run) {
  const nonces = Array.from({ length: 16 }, () => t.nonce('hung'));
  const calls = nonces.map((nonce) => t.plain.call('hang', { nonce }, { timeoutMs: 30_000 }).catch(() => undefined));
  for (const nonce of nonces) await t.waitForJournal(nonce, ({ call }) => call !== null);
  await run();
  for (const nonce of nonces) await t.plain.call('release', { about: nonce });
  await Promise.all(calls);
}

async function demandSoon(t, pointer, ask) {
  try {
    const { response } = await ask();
    t.demand(pointer, response.result !== undefined, 'a result', response.error);
  } catch (error) {
    t.demand(pointer, false, `an answer in ${soonMs} ms`, error.message);
  }
}

/** @param {string} [forgotten] Of a call that a server which was really restarted knows nothing of. */
async function demandBack(t, client, forgotten = t.nonce('never')) {
  const deadline = Date.now() + t.options.patienceMs;
  let last;
  while (Date.now() < deadline) {
    try {
      const { response } = await client.call('echo', { nonce: 'back' }, { timeoutMs: t.options.patienceMs });
      const { response: told } = await client.call('journal', { about: forgotten }, { timeoutMs: t.options.patienceMs });
      if (response.result?.structuredContent?.nonce === 'back' && told.result?.structuredContent?.call === null) return;
      last = response.error ?? response.result;
    } catch (error) {
      last = error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  t.demand('/back', false, 'an answer in the same session', last);
}

/** The name under which the gateway shows the echo of a second server, if there is one. */
async function findSecond(t) {
  let cursor;
  do {
    const { response } = await t.plain.request('tools/list', cursor === undefined ? {} : { cursor });
    const found = response.result?.tools?.find(({ name }) => name.endsWith('second_echo'));
    if (found !== undefined) return found.name;
    cursor = response.result?.nextCursor;
  } while (cursor !== undefined);
  return undefined;
}
