import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  Cancellation,
  GatewayError,
  IDEMPOTENCY_CAPABILITY,
  IDEMPOTENCY_KEY,
  RawJson,
  type Notification,
  type Outcome,
  type Request,
} from '@signalbox/core';
import { openMemory, type Connection } from '@signalbox/protocol';
import {
  createMemoryGateway,
  createScriptedServer,
  resultOf,
  textOf,
  type CallExtras,
  type MemoryGateway,
  type ScriptedTool,
} from '../testing/memory-gateway.ts';
import { createMemoryLines, type MemoryLines } from '../testing/memory-lines.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { REPLAYED } from './idempotency.ts';

const keyed = (key: unknown = 'k-1', more: CallExtras = {}): CallExtras => ({ ...more, meta: { ...more.meta, [IDEMPOTENCY_KEY]: key } });
const text = (said: string) => resultOf({ content: [{ type: 'text', text: said }] });
const isReplay = (outcome: Outcome) =>
  outcome.kind === 'result' && (outcome.result.object!['_meta'] as Record<string, unknown> | undefined)?.[REPLAYED] === true;
const lost = () =>
  new GatewayError('UPSTREAM_UNAVAILABLE', 'Cannot reach upstream "a": it broke', { data: { sent: true, reason: 'it broke' } });
const INPUT_REQUIRED: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({ resultType: 'input_required', inputRequests: {}, requestState: 's1' }),
  resultType: 'input_required',
  isError: false,
  revision: '2026-07-28',
};

/** A tool whose runs a test ends one by one. */
function heldTool(name: string, more: Partial<ScriptedTool> = {}) {
  const runs: { request: Request; end: (outcome: Outcome) => void; fail: (error: unknown) => void }[] = [];
  const run: ScriptedTool['run'] = (_, request) => new Promise((end, fail) => runs.push({ request, end, fail }));
  return { tool: { name, run, ...more }, runs };
}

async function start(tools: ScriptedTool[], options: Omit<Parameters<typeof createMemoryGateway>[0], 'servers'> = {}) {
  const server = createScriptedServer(tools);
  const gateway = await createMemoryGateway({ servers: { a: server }, ...options });
  await gateway.list('tools/list');
  return Object.assign(gateway, { server });
}

describe('a call sent again with its key', () => {
  test('after the end gets the outcome again, marked as a replay', async () => {
    let runs = 0;
    await using gateway = await start([{ name: 'pay', run: () => text(`payment ${++runs}`) }]);
    const first = await gateway.call('pay', { amount: 3, to: 'ann' }, keyed());
    const again = await gateway.call('pay', { to: 'ann', amount: 3 }, keyed());
    expect([textOf(first), isReplay(first), textOf(again), isReplay(again)]).toEqual(['payment 1', false, 'payment 1', true]);
    expect(runs).toBe(1);
    expect(gateway.records.map(({ attempts, cached }) => [attempts, cached])).toEqual([
      [1, false],
      [0, true],
    ]);
    expect(textOf(await gateway.call('pay', { amount: 3, to: 'ann' }, keyed('k-2')))).toBe('payment 2');
    expect(textOf(await gateway.call('pay', { amount: 3, to: 'ann' }))).toBe('payment 3');
  });

  test('gets a failure of the tool again, and a refusal with an outcome of its own, too', async () => {
    let runs = 0;
    await using gateway = await start([
      { name: 'fail', run: () => resultOf({ content: [{ type: 'text', text: `no ${++runs}` }], isError: true, _meta: { trace: 7 } }) },
      {
        name: 'refuse',
        run: () => ({ kind: 'error', error: { code: -32_000, message: `account closed ${++runs}`, data: { account: 1 } } }),
      },
    ]);
    await gateway.call('fail', {}, keyed());
    const again = await gateway.call('fail', {}, keyed());
    expect(again).toMatchObject({ isError: true });
    expect((again as { result: RawJson }).result.object).toMatchObject({ _meta: { trace: 7, [REPLAYED]: true } });
    expect(textOf(again)).toBe('no 1');
    await gateway.call('refuse', {}, keyed('k-2'));
    expect(await gateway.call('refuse', {}, keyed('k-2'))).toEqual({
      kind: 'error',
      error: { code: -32_000, message: 'account closed 2', data: { account: 1, [REPLAYED]: true } },
    });
  });

  test('with another tool or other arguments is refused', async () => {
    await using gateway = await start([
      { name: 'pay', run: () => text('paid') },
      { name: 'refund', run: () => text('refunded') },
    ]);
    await gateway.call('pay', { amount: 3 }, keyed());
    for (const [tool, args] of [
      ['pay', { amount: 4 }],
      ['refund', { amount: 3 }],
    ] as const)
      await expect(gateway.call(tool, args, keyed())).rejects.toMatchObject({
        code: 'INVALID_PARAMS',
        message: expect.stringContaining('another tool or with other arguments') as unknown,
      });
  });

  test('is another call for another principal', async () => {
    let runs = 0;
    await using gateway = await start([{ name: 'pay', run: () => text(`payment ${++runs}`) }]);
    await gateway.call('pay', {}, keyed('k', { principal: 'ann' }));
    const other = await gateway.call('pay', {}, keyed('k', { principal: 'ben' }));
    expect([textOf(other), isReplay(other)]).toEqual(['payment 2', false]);
  });

  test.each([[''], ['two words'], ['x'.repeat(256)], [7], [null]])('needs a key that is one: not %j', async (key) => {
    await using gateway = await start([{ name: 'pay', run: () => text('paid') }]);
    await expect(gateway.call('pay', {}, keyed(key))).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });

  test('reaches the upstream with its key, on every attempt of ours', async () => {
    const keys: unknown[] = [];
    let failures = 1;
    await using gateway = await start([
      {
        name: 'read',
        annotations: { readOnlyHint: true },
        run: (_, request) => {
          keys.push(request.params.get('_meta')?.object?.[IDEMPOTENCY_KEY]);
          if (failures-- > 0) throw lost();
          return text('read');
        },
      },
    ]);
    await gateway.call('read', {}, keyed('abc'));
    expect(keys).toEqual(['abc', 'abc']);
  });
});

describe('while a call is under way, the same one', () => {
  test('joins it: one run, one outcome, and progress goes to the newest', async () => {
    const { tool, runs } = heldTool('pay');
    await using gateway = await start([tool]);
    const heard: string[] = [];
    const listen = (who: string) => (notification: Notification) =>
      void heard.push(`${who} ${String(notification.params?.object?.['progress'])}`);
    const first = gateway.call('pay', {}, keyed('k', { emit: listen('first') }));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    const progress = (done: number) =>
      runs[0]!.request.emit!({ method: 'notifications/progress', params: RawJson.fromValue({ progress: done }) });
    progress(1);
    const cancellation = new Cancellation();
    const second = gateway.call('pay', {}, keyed('k', { emit: listen('second'), wantsProgress: true, cancellation }));
    const deaf = gateway.call('pay', {}, keyed('k'));
    progress(2);
    cancellation.cancel('left');
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
    progress(3);
    runs[0]!.end(text('paid'));
    expect([await first, await deaf].map(textOf)).toEqual(['paid', 'paid']);
    expect(heard).toEqual(['first 1', 'second 2', 'first 3']);
    expect(runs).toHaveLength(1);
  });

  test('goes on when one of two callers leaves, and when both do, to be found by a third', async () => {
    const { tool, runs } = heldTool('pay');
    await using gateway = await start([tool]);
    const leaving = [new Cancellation(), new Cancellation()];
    const calls = leaving.map((cancellation) => gateway.call('pay', {}, keyed('k', { cancellation })));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    for (const [index, call] of calls.entries()) {
      leaving[index]!.cancel('left');
      await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(runs[0]!.request.cancellation.isCancelled).toBe(false);
    }
    const third = gateway.call('pay', {}, keyed('k'));
    runs[0]!.end(text('paid'));
    expect(textOf(await third)).toBe('paid');
    const fourth = await gateway.call('pay', {}, keyed('k'));
    expect([textOf(fourth), isReplay(fourth), runs.length]).toEqual(['paid', true, 1]);
  });

  test('ends with its last caller when running it again does no harm', async () => {
    const { tool, runs } = heldTool('read', { annotations: { readOnlyHint: true } });
    await using gateway = await start([tool]);
    const cancellation = new Cancellation();
    const call = gateway.call('read', {}, keyed('k', { cancellation }));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    cancellation.cancel('left');
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(runs[0]!.request.cancellation.isCancelled).toBe(true);
    const again = gateway.call('read', {}, keyed('k'));
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    runs[1]!.end(text('read'));
    expect(textOf(await again)).toBe('read');
  });

  test('is taken out of the line when its last caller leaves before it was sent', async () => {
    const { tool, runs } = heldTool('pay');
    await using gateway = await start([tool], { config: { a: { maxConcurrent: 1 } } });
    const before = gateway.call('pay', { first: true });
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    const cancellation = new Cancellation();
    const waiting = gateway.call('pay', {}, keyed('k', { cancellation }));
    await vi.waitFor(() => expect(gateway.supervisor.status()[0]).toMatchObject({ queued: 1 }));
    cancellation.cancel('left');
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    runs[0]!.end(text('one'));
    await before;
    const again = gateway.call('pay', {}, keyed('k'));
    await vi.waitFor(() => expect(runs).toHaveLength(2));
    runs[1]!.end(text('paid'));
    expect(textOf(await again)).toBe('paid');
  });

  test('outlives the deadline of the caller that began it', async () => {
    const clock = createTestClock();
    const { tool, runs } = heldTool('pay');
    await using gateway = await start([tool], { clock });
    const impatient = gateway.call('pay', {}, keyed('k', { meta: { 'signalbox.dev/timeoutMs': 1000 } }));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    clock.advance(1001);
    await expect(impatient).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('the same idempotency key finds its outcome') as unknown,
    });
    const again = gateway.call('pay', {}, keyed('k'));
    runs[0]!.end(text('paid'));
    expect(textOf(await again)).toBe('paid');
    expect(runs).toHaveLength(1);
  });
});

describe('when nobody knows whether a call ran', () => {
  const endings: [string, GatewayError][] = [
    ['its upstream broke off', lost()],
    ['it took too long', new GatewayError('DEADLINE_EXCEEDED', 'no answer', { data: { phase: 'call' } })],
    ['its answer was garbage', new GatewayError('UPSTREAM_PROTOCOL', 'Cannot understand upstream "a"')],
  ];
  test.each(endings)('because %s, a repetition is refused with what to do', async (_, error) => {
    const run = vi.fn(() => {
      throw error;
    });
    await using gateway = await start([{ name: 'pay', run }]);
    await expect(gateway.call('pay', {}, keyed())).rejects.toMatchObject({ code: error.code });
    await expect(gateway.call('pay', {}, keyed())).rejects.toMatchObject({
      code: 'NOT_REPEATABLE',
      message: expect.stringMatching(/may have run.+Find out whether it ran.+a call with a new key/) as unknown,
      data: { upstream: 'a', tool: 'pay', ran: 'unknown', firstCallId: gateway.records[0]!.callId },
    });
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('because its answer cannot be written, it is told so, and a repetition is refused', async () => {
    const run = vi.fn(() => resultOf({ content: [], structuredContent: { big: 1n } }));
    await using gateway = await start([{ name: 'pay', run }]);
    await expect(gateway.call('pay', {}, keyed())).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(gateway.call('pay', {}, keyed())).rejects.toMatchObject({ code: 'NOT_REPEATABLE' });
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('it is run again if the tool says that this does no harm', async () => {
    let failures = 5;
    const tools = ['readOnlyHint', 'idempotentHint'].map((hint): ScriptedTool => ({
      name: hint,
      annotations: { [hint]: true },
      run: () => {
        if (failures-- > 0) throw lost();
        return text('done');
      },
    }));
    await using gateway = await start(tools, { config: { a: { retry: { attempts: 1 }, breaker: { failures: 100 } } } });
    for (const { name } of tools) {
      failures = 1;
      await expect(gateway.call(name, {}, keyed(name))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
      expect(textOf(await gateway.call(name, {}, keyed(name)))).toBe('done');
    }
  });
});

describe('the key stays free', () => {
  const refusals: [string, Outcome | GatewayError][] = [
    ['the request was never sent', new GatewayError('UPSTREAM_UNAVAILABLE', 'Cannot reach', { data: { sent: false, state: 'failed' } })],
    ['the upstream turned it away', new GatewayError('UPSTREAM_UNAVAILABLE', 'HTTP 401', { data: { sent: true, status: 401 } })],
    ['the upstream refused the arguments', { kind: 'error', error: { code: -32_602, message: 'invalid' } }],
    [
      'a gateway behind was overloaded',
      { kind: 'error', error: { code: -32_003, message: 'busy', data: { reason: 'OVERLOADED', sent: false } } },
    ],
  ];
  test.each(refusals)('when %s', async (_, refusal) => {
    let isRefusing = true;
    const run: ScriptedTool['run'] = () => {
      if (!isRefusing) return text('paid');
      if (refusal instanceof GatewayError) throw refusal;
      return refusal;
    };
    await using gateway = await start([{ name: 'pay', run }], { config: { a: { retry: { attempts: 1 } } } });
    await Promise.allSettled([gateway.call('pay', {}, keyed())]);
    isRefusing = false;
    const again = await gateway.call('pay', {}, keyed());
    expect([textOf(again), isReplay(again)]).toEqual(['paid', false]);
  });

  test('when our own check refused the arguments', async () => {
    await using gateway = await start([
      { name: 'pay', inputSchema: { type: 'object', required: ['to'], properties: { to: { type: 'string' } } }, run: () => text('paid') },
    ]);
    expect(await gateway.call('pay', {}, keyed())).toMatchObject({ isError: true });
    expect(textOf(await gateway.call('pay', { to: 'ann' }, keyed()))).toBe('paid');
  });

  test('when a gateway behind does not know either, it is not', async () => {
    const run = vi.fn((): Outcome => ({
      kind: 'error',
      error: { code: -32_005, message: 'gone', data: { reason: 'UPSTREAM_UNAVAILABLE', sent: true } },
    }));
    await using gateway = await start([{ name: 'pay', run }]);
    expect(await gateway.call('pay', {}, keyed())).toMatchObject({ kind: 'error' });
    await expect(gateway.call('pay', {}, keyed())).rejects.toMatchObject({ code: 'NOT_REPEATABLE' });
  });
});

describe('a call answered with a question', () => {
  test('goes on with the answer and the same key, and its last outcome is what is kept', async () => {
    const run = vi.fn((_: unknown, request: Request) => (request.params.has('requestState') ? text('paid') : INPUT_REQUIRED));
    await using gateway = await start([{ name: 'pay', run }]);
    const round = (more: object = {}) =>
      gateway.call('', {}, { params: { name: 'pay', arguments: {}, _meta: { [IDEMPOTENCY_KEY]: 'k' }, ...more } });
    expect(await round()).toMatchObject({ resultType: 'input_required' });
    expect(await round()).toMatchObject({ resultType: 'input_required' });
    expect(textOf(await round({ requestState: 's1', inputResponses: { q: { action: 'accept' } } }))).toBe('paid');
    expect(run).toHaveBeenCalledTimes(3);
    const again = await round({ requestState: 's1', inputResponses: { q: { action: 'accept' } } });
    expect([textOf(again), isReplay(again)]).toEqual(['paid', true]);
    expect(isReplay(await round())).toBe(true);
    expect(run).toHaveBeenCalledTimes(3);
  });

  test('does not take two rounds at once', async () => {
    const { tool, runs } = heldTool('pay');
    await using gateway = await start([tool]);
    const params = { name: 'pay', arguments: {}, _meta: { [IDEMPOTENCY_KEY]: 'k' } };
    const first = gateway.call('', {}, { params });
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    await expect(gateway.call('', {}, { params: { ...params, requestState: 's1' } })).rejects.toMatchObject({ code: 'CONFLICT' });
    runs[0]!.end(text('paid'));
    await first;
  });

  test('asks the newest caller that can be asked', async () => {
    const { tool, runs } = heldTool('pay');
    await using gateway = await start([tool]);
    const asked: string[] = [];
    const ask = (who: string) => async () => {
      asked.push(who);
      return text(who);
    };
    const first = gateway.call('pay', {}, keyed('k', { ask: ask('first') }));
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    const second = gateway.call('pay', {}, keyed('k', { ask: ask('second') }));
    const mute = gateway.call('pay', {}, keyed('k'));
    await runs[0]!.request.ask!({ method: 'roots/list', params: undefined, cancellation: new Cancellation() });
    runs[0]!.end(text('paid'));
    await Promise.all([first, second, mute]);
    expect(asked).toEqual(['second']);
  });
});

describe('what is remembered', () => {
  test('is forgotten after its time, and not before', async () => {
    const clock = createTestClock();
    let runs = 0;
    await using gateway = await start([{ name: 'pay', run: () => text(String(++runs)) }], {
      clock,
      more: { limits: { idempotency: { ttlSeconds: 60 } } },
    });
    await gateway.call('pay', {}, keyed());
    clock.advance(59_999);
    expect(textOf(await gateway.call('pay', {}, keyed()))).toBe('1');
    clock.advance(1);
    expect(textOf(await gateway.call('pay', {}, keyed()))).toBe('2');
  });

  test('an outcome too large to be kept is not run again but refused', async () => {
    await using gateway = await start([{ name: 'pay', run: () => text('x'.repeat(5000)) }], {
      more: { limits: { idempotency: { maxBytes: 10_000 } } },
    });
    await gateway.call('pay', {}, keyed());
    await expect(gateway.call('pay', {}, keyed())).rejects.toMatchObject({
      code: 'NOT_REPEATABLE',
      message: expect.stringContaining('has run, and its outcome is not known any more (it was too large to be kept)') as unknown,
      data: { ran: 'yes' },
    });
  });
});

describe('written to a log that outlives the process', () => {
  test('a key that was used before a restart is known after it', async () => {
    const log = createMemoryLines();
    const held = heldTool('hang');
    const run = vi.fn(() => text('paid'));
    const read = vi.fn(() => text('read'));
    const tools: ScriptedTool[] = [{ name: 'pay', run }, held.tool, { name: 'read', run: read, annotations: { readOnlyHint: true } }];
    {
      await using gateway = await start(tools, { keyLog: log });
      await gateway.call('pay', {}, keyed('done'));
      await gateway.call('read', {}, keyed('read'));
      gateway.call('hang', {}, keyed('cut-off')).catch(() => undefined);
      await vi.waitFor(() => expect(held.runs).toHaveLength(1));
    }
    await using gateway = await start(tools, { keyLog: log });
    await expect(gateway.call('pay', {}, keyed('done'))).rejects.toMatchObject({
      code: 'NOT_REPEATABLE',
      data: { ran: 'yes', why: 'the gateway was restarted since' },
    });
    await expect(gateway.call('hang', {}, keyed('cut-off'))).rejects.toMatchObject({ code: 'NOT_REPEATABLE', data: { ran: 'unknown' } });
    await expect(gateway.call('pay', { other: 1 }, keyed('done'))).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    expect(textOf(await gateway.call('read', {}, keyed('read')))).toBe('read');
    expect([run.mock.calls.length, held.runs.length, read.mock.calls.length]).toEqual([1, 1, 2]);
  });

  test('a key is written down before its call is sent, and one that cannot be is not used', async () => {
    const log = createMemoryLines();
    const run = vi.fn(() => text('paid'));
    await using gateway = await start([{ name: 'pay', run }], { keyLog: log });
    let release: (() => void) | undefined;
    log.write = () => new Promise((resolve) => (release = resolve));
    const call = gateway.call('pay', {}, keyed());
    await vi.waitFor(() => expect(release).toBeDefined());
    expect(run).not.toHaveBeenCalled();
    release!();
    expect(textOf(await call)).toBe('paid');
    log.write = () => Promise.reject(new Error('disk full'));
    await expect(gateway.call('pay', {}, keyed('k-2'))).rejects.toMatchObject({ code: 'INTERNAL' });
    log.write = () => Promise.resolve();
    expect(textOf(await gateway.call('pay', {}, keyed('k-2')))).toBe('paid');
    expect(run).toHaveBeenCalledTimes(2);
  });

  test('a key that became free is free after a restart, and the log does not grow with it', async () => {
    const log = createMemoryLines();
    let isRefusing = true;
    const tools: ScriptedTool[] = [
      { name: 'pay', run: () => (isRefusing ? { kind: 'error', error: { code: -32_602, message: 'invalid' } } : text('paid')) },
    ];
    {
      await using gateway = await start(tools, { keyLog: log });
      for (let index = 0; index < 20; index++) await gateway.call('pay', { index }, keyed(`k-${index}`));
    }
    isRefusing = false;
    await using gateway = await start(tools, { keyLog: log });
    expect(log.lines).toEqual([]);
    expect(textOf(await gateway.call('pay', {}, keyed('k-1')))).toBe('paid');
  });
});

describe('a gateway behind this one', () => {
  async function chain(keyLog: MemoryLines | undefined) {
    const { tool, runs } = heldTool('pay');
    const inner = await start([tool], keyLog && { keyLog });
    let connection: Connection | undefined;
    const server = {
      open: async (onNotification: (notification: Notification) => void) => {
        connection = openMemory(inner.handler, { upstream: 'inner', onNotification });
        return { connection, pid: undefined, stderr: () => [] };
      },
    };
    const outer = await createMemoryGateway({ servers: { inner: server }, config: { inner: { restart: { backoffMs: 1 } } } });
    await outer.list('tools/list');
    const breakOff = async () => {
      const call = outer.call('pay', {}, keyed()).catch((error: unknown) => error);
      await vi.waitFor(() => expect(runs).toHaveLength(1));
      await connection!.close();
      expect(await call).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
      runs[0]!.end(text('paid'));
    };
    const dispose = async () => {
      await outer.close();
      await inner.close();
    };
    return { outer, inner, runs, breakOff, [Symbol.asyncDispose]: dispose };
  }

  test('that remembers keys for good is asked again, and has the outcome', async () => {
    await using it = await chain(createMemoryLines());
    await it.breakOff();
    await vi.waitFor(async () => {
      const again = await it.outer.call('pay', {}, keyed());
      expect([textOf(again), isReplay(again)]).toEqual(['paid', true]);
    });
    expect(it.runs).toHaveLength(1);
  });

  test('makes no promise in the name of the one in front of it', async () => {
    await using it = await chain(createMemoryLines());
    const announcedBy = ({ handler }: MemoryGateway) => handler.describe().capabilities['experimental'];
    expect(announcedBy(it.inner)).toEqual({ [IDEMPOTENCY_CAPABILITY]: {} });
    expect(announcedBy(it.outer)).toBeUndefined();
  });

  test('that does not is not', async () => {
    await using it = await chain(undefined);
    await it.breakOff();
    await expect(it.outer.call('pay', {}, keyed())).rejects.toMatchObject({ code: 'NOT_REPEATABLE' });
    expect(it.runs).toHaveLength(1);
  });
});

test('whatever happens to a call that writes, it runs once or not, and nobody is told otherwise', async () => {
  const ending = fc.constantFrom('ok', 'tool error', 'refused', 'unsent', 'lost', 'late');
  const step = fc.record({ key: fc.constantFrom('k-1', 'k-2'), isLeaving: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(ending, { minLength: 12, maxLength: 12 }), fc.array(step, { maxLength: 10 }), async (endings, steps) => {
      const executed = new Map<string, number>();
      const run: ScriptedTool['run'] = async ({ key }) => {
        const ending = endings.shift() ?? 'ok';
        if (ending === 'unsent') throw new GatewayError('UPSTREAM_UNAVAILABLE', 'never sent', { data: { sent: false, state: 'failed' } });
        if (ending === 'refused') return { kind: 'error', error: { code: -32_602, message: 'invalid' } };
        executed.set(String(key), (executed.get(String(key)) ?? 0) + 1);
        await Promise.resolve();
        if (ending === 'lost') throw lost();
        if (ending === 'late') throw new GatewayError('DEADLINE_EXCEEDED', 'late', { data: { phase: 'call' } });
        return resultOf({ content: [{ type: 'text', text: String(key) }], ...(ending === 'tool error' ? { isError: true } : {}) });
      };
      await using gateway = await start([{ name: 'write', run }], { config: { a: { breaker: { failures: 1000 } } } });
      const answered: string[] = [];
      const refusals = new Set<string>();
      const calls = steps.map(async ({ key, isLeaving }) => {
        const cancellation = new Cancellation();
        const call = gateway.call('write', { key }, keyed(key, { cancellation }));
        if (isLeaving) cancellation.cancel('left');
        const outcome = await call.catch((error: unknown) => error as GatewayError);
        if (outcome instanceof GatewayError) refusals.add(outcome.code);
        else if (outcome.kind === 'result') answered.push(textOf(outcome));
      });
      await Promise.all(calls);
      for (const [key, times] of executed) expect([key, times]).toEqual([key, 1]);
      for (const key of answered) expect(executed.get(key)).toBe(1);
      expect(['CANCELLED', 'UPSTREAM_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'NOT_REPEATABLE']).toEqual(expect.arrayContaining([...refusals]));
    }),
    { numRuns: 60 },
  );
});
