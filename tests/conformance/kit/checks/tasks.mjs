import { findDifferences } from '../compare/differences.mjs';
import { isObject } from '../wire/json.mjs';
import { metaKey, tasksExtension } from '../wire/protocol.mjs';

const ended = new Set(['completed', 'failed', 'cancelled']);
const ofHandshake = ({ server, client }) => server === 'handshake' && client === 'handshake';
const ofModern = ({ server, client }) => server === 'modern' && client === 'modern';
const task = { ttl: 60_000 };

const opaque = new Set(['taskId', 'createdAt', 'lastUpdatedAt', 'requestState']);

/** What of a task is each side's own is made equal: its id and its dates. */
function withoutOwn(value) {
  if (Array.isArray(value)) return value.map(withoutOwn);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([key]) => key !== metaKey.serverInfo);
  const cleaned = Object.fromEntries(members.map(([key, member]) => [key, opaque.has(key) ? `(${typeof member})` : withoutOwn(member)]));
  if (isObject(cleaned._meta) && Object.keys(cleaned._meta).length === 0) delete cleaned._meta;
  return cleaned;
}

/** Does the same on both sides and compares what came of it, but for ids and dates. */
async function compareRuns(t, run) {
  const direct = await run(t.direct);
  const through = await run(t.through);
  t.differences.push(...findDifferences(withoutOwn(direct), withoutOwn(through)));
}

/** Asks how a task goes until it is where it is wanted; resolves to the last answer. */
async function poll(side, taskId, isWanted = ({ status }) => ended.has(status)) {
  for (let attempt = 0; attempt < 150; attempt++) {
    const { response } = await side.request('tasks/get', { taskId });
    if (response.result === undefined || isWanted(response.result)) return response;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The task "${taskId}" did not get there in time`);
}

const createHandshake = (side, args, tool = 'job') => side.call(tool, args, { params: { task } });
const idOf = ({ response }) => response.result?.task?.taskId ?? response.result?.taskId;

const handshakeTasks = [
  ['is created, polled and fetched', { nonce: 'fixed' }],
  ['that fails as a tool is told and fetched', { nonce: 'fixed', fail: 'tool' }],
  ['that fails as a request is told and fetched', { nonce: 'fixed', fail: 'protocol' }],
].map(([what, args]) => ({
  group: 'tasks',
  name: `a task ${what}`,
  when: ofHandshake,
  run: (t) =>
    compareRuns(t, async (side) => {
      const created = await createHandshake(side, args);
      const polled = await poll(side, idOf(created));
      const { response: fetched } = await side.request('tasks/result', { taskId: idOf(created) });
      return { created: created.response.result, polled: polled.result ?? polled.error, result: fetched.result, error: fetched.error };
    }),
}));

handshakeTasks.push(
  {
    group: 'tasks',
    name: 'a result that is waited for comes when the task ends',
    when: ofHandshake,
    run: (t) =>
      compareRuns(t, async (side) => {
        const created = await createHandshake(side, { nonce: 'fixed', ms: 300 });
        const { response } = await side.request('tasks/result', { taskId: idOf(created) });
        return response.result ?? response.error;
      }),
  },
  {
    group: 'tasks',
    name: 'a task is listed, and may be cancelled once',
    when: ofHandshake,
    run: (t) =>
      compareRuns(t, async (side) => {
        const created = await createHandshake(side, { nonce: 'fixed', ms: 10_000 });
        const taskId = idOf(created);
        const { response: listed } = await side.request('tasks/list');
        const { response: cancelled } = await side.request('tasks/cancel', { taskId });
        const { response: again } = await side.request('tasks/cancel', { taskId });
        const isListed = listed.result?.tasks?.some((each) => each.taskId === taskId) ?? listed.error;
        return { isListed, cancelled: cancelled.result ?? cancelled.error, again: again.error?.code };
      }),
  },
  {
    group: 'tasks',
    name: 'a task that asks is answered on the stream of its result',
    when: ofHandshake,
    run: (t) =>
      compareRuns(t, async (side) => {
        const created = await createHandshake(side, { nonce: 'fixed' }, 'job_asks');
        await poll(side, idOf(created), ({ status }) => status === 'input_required');
        const { response, asks } = await side.request('tasks/result', { taskId: idOf(created) });
        return { asks, result: response.result, error: response.error };
      }),
  },
  {
    group: 'tasks',
    name: 'the states of a task are told',
    when: ofHandshake,
    run: async (t) => {
      const statuses = async (client) => {
        const taskId = idOf(await createHandshake(client, { nonce: 'fixed' }));
        await client.unsolicited.waitFor(({ method, params }) => method === 'notifications/tasks/status' && params?.status === 'completed');
        return client.unsolicited.messages
          .filter(({ params }) => params?.taskId === taskId)
          .map(({ method, params }) => ({ method, params }));
      };
      t.expect('', withoutOwn(await statuses(await t.openDirect())), withoutOwn(await statuses(await t.openThrough())));
    },
  },
);

const modernTasks = [
  ['is created and polled to its end', { nonce: 'fixed' }],
  ['that fails as a tool is told', { nonce: 'fixed', fail: 'tool' }],
  ['that fails as a request is told', { nonce: 'fixed', fail: 'protocol' }],
].map(([what, args]) => ({
  group: 'tasks',
  name: `a task ${what}`,
  when: ofModern,
  run: (t) =>
    compareRuns(t, async (side) => {
      const created = await side.call('job', args);
      const polled = await poll(side, idOf(created));
      return { created: created.response.result ?? created.response.error, polled: polled.result ?? polled.error };
    }),
}));

modernTasks.push(
  {
    group: 'tasks',
    name: 'a task that asks is answered by an update',
    when: ofModern,
    run: (t) =>
      compareRuns(t, async (side) => {
        const taskId = idOf(await side.call('job_asks', { nonce: 'fixed' }));
        const asking = await poll(side, taskId, ({ status }) => status === 'input_required');
        const inputResponses = {
          user: { action: 'accept', content: { value: 'yes' }, 'kit.test/unknown': 1 },
          nobody: { action: 'cancel' },
        };
        const { response: updated } = await side.request('tasks/update', { taskId, inputResponses });
        const polled = await poll(side, taskId);
        return { asking: asking.result, updated: updated.result ?? updated.error, polled: polled.result ?? polled.error };
      }),
  },
  {
    group: 'tasks',
    name: 'a task is cancelled',
    when: ofModern,
    run: (t) =>
      compareRuns(t, async (side) => {
        const taskId = idOf(await side.call('job', { nonce: 'fixed', ms: 10_000 }));
        const { response: cancelled } = await side.request('tasks/cancel', { taskId });
        const polled = await poll(side, taskId);
        return { cancelled: cancelled.result ?? cancelled.error, polled: polled.result ?? polled.error };
      }),
  },
  {
    group: 'tasks',
    name: 'the states of a task are told to who listens',
    when: ofModern,
    run: (t) =>
      compareRuns(t, async (side) => {
        const taskId = idOf(await side.call('job', { nonce: 'fixed', ms: 500 }));
        const { inbox, acknowledged, stop } = await side.watch({ taskIds: [taskId] });
        const told = await inbox.waitFor(({ method, params }) => method === 'notifications/tasks' && params?.status === 'completed');
        await stop();
        const { [metaKey.subscriptionId]: _tag, ..._meta } = told?.params?._meta ?? {};
        const promised = acknowledged?.params?.notifications?.taskIds?.length;
        return { promised, told: told === undefined ? undefined : { method: told.method, params: { ...told.params, _meta } } };
      }),
  },
);

/** Tasks of both generations, between client and server of the same. */
export const taskChecks = [
  {
    group: 'tasks',
    name: 'tasks are announced as the server announces them',
    when: ({ server, client }) => server === client,
    run: (t) => {
      const announced = ({ capabilities }) =>
        t.cell.client === 'modern' ? capabilities?.extensions?.[tasksExtension] : capabilities?.tasks;
      t.expect('/capabilities', announced(t.direct.opening), announced(t.through.opening));
    },
  },
  ...handshakeTasks,
  ...modernTasks,
  {
    group: 'tasks',
    name: 'a task that nobody has is refused as invalid',
    when: ({ server, client }) => server === client,
    run: async (t) => {
      const { response } = await t.through.request('tasks/get', { taskId: 'nobody-has-this' });
      t.expect('/error/code', -32602, response.error?.code);
    },
  },
  {
    group: 'tasks',
    name: 'a tool that may run as a task runs at once for a client that asks for none',
    run: async (t) => {
      const [one, other] = [await t.openDirect({ knowsTasks: false }), await t.openThrough({ knowsTasks: false })];
      const args = { nonce: 'fixed' };
      t.compareExchanges('tools/call', { direct: await one.call('job', args), through: await other.call('job', args) });
    },
  },
];
