import { randomBytes } from 'node:crypto';
import { createDesiredState } from '@signalbox/control-plane';
import {
  Cancellation,
  GatewayError,
  RawJson,
  isObject,
  parseGatewayConfig,
  silentLogger,
  systemClock,
  toMessage,
  type Awaitable,
  type Implementation,
  type Logger,
  type Outcome,
  type Request,
  type ResultOutcome,
  type Status,
} from '@signalbox/core';
import { createDataPlane } from '@signalbox/data-plane';
import {
  HANDSHAKE_REVISIONS,
  MODERN_REVISION,
  createHttpServer,
  isHandshake,
  openHttp,
  toParams,
  type Connection,
  type OutgoingRequest,
  type RequestHandler,
} from '@signalbox/protocol';
import { SEAL_KEY_BYTES, createSeal } from '@signalbox/security';
import { createMemoryCache, createMemoryDocuments } from '@signalbox/storage';

export interface WarmUpOptions {
  readonly info: Implementation;
  /** The gateway that is to become fast. While calls of its own are in flight, this waits. */
  readonly status: Status;
  readonly logger: Logger;
  /** Ends it early. */
  readonly end: Cancellation;
}

/** Longest time it may take. A machine that is not done by then has other things to do. */
const MAX_MS = 4_000;
const ROUNDS = 110;
const BATCH = 8;
const BUSY_PAUSE_MS = 50;
const CALL_MS = 5_000;
const MAX_BYTES = 1_000_000;

/** Stands in front of the names of the older server. */
const OLD = 'handshake__';

const LIMITS = { maxMessageBytes: MAX_BYTES, maxDepth: 64 };
const SESSIONS = { idleSeconds: 60, max: 100, maxAgeSeconds: 60 };
const TEXT = 'What a tool says, with "quotes", an escape \\ and a naïve façade. ';
const SMALL = TEXT.repeat(3);
const LARGE = `${TEXT}\n`.repeat(1_000);

/**
 * Has calls go through all of the gateway's code, between a client and a server of its own on loopback, so that V8 has
 * optimized it before the first client calls. Nothing of it is seen outside: state, names, records and limits are its own.
 * Never rejects.
 */
export async function warmUp(options: WarmUpOptions): Promise<void> {
  const startedAtMs = performance.now();
  try {
    const calls = await run(options, startedAtMs + MAX_MS);
    options.logger.debug('warmed up', { calls, ms: Math.round(performance.now() - startedAtMs) });
  } catch (error) {
    // The gateway works as well without it, only less fast in the beginning.
    options.logger.debug('could not warm up', { error: toMessage(error) });
  }
}

async function run({ info, status, end }: WarmUpOptions, endsAtMs: number): Promise<number> {
  const seal = createSeal({ key: randomBytes(SEAL_KEY_BYTES) });
  const token = randomBytes(32).toString('base64url');
  const serve = (handler: RequestHandler) =>
    createHttpServer({ handler, seal, port: 0, guard: { token }, limits: LIMITS, sessions: SESSIONS, legacySse: false });
  const upstream = serve(createServer(info));
  const closing: (() => Promise<unknown>)[] = [() => upstream.close(0)];
  let calls = 0;
  try {
    const { url } = await upstream.listen();
    const dataPlane = await createDataPlane({
      state: createDesiredState({
        initial: parseGatewayConfig({ mcpServers: { modern: { url }, handshake: { url, tools: { prefix: 'always' } } } }),
      }),
      documents: createMemoryDocuments(),
      cache: createMemoryCache<ResultOutcome>({ maxBytes: MAX_BYTES, clock: systemClock }),
      journal: { write: () => undefined },
      open: async ({ desired, onNotification }) => {
        const revision = desired.name === 'modern' ? 'modern' : 'handshake';
        return { connection: await connect(url, { info, token, revision, onNotification }), pid: undefined, stderr: () => [] };
      },
      seal,
      clock: systemClock,
      logger: silentLogger,
      info,
      isRegExpLinear: true,
    });
    closing.unshift(() => dataPlane.close());
    dataPlane.start();
    const gateway = serve(dataPlane.handler);
    closing.unshift(() => gateway.close(0));
    const { url: address } = await gateway.listen();

    for (let round = 0; round < ROUNDS && performance.now() < endsAtMs; round++) {
      while (isBusy(status) && performance.now() < endsAtMs && end.reason === undefined) await pause(BUSY_PAUSE_MS);
      if (end.reason !== undefined) break;
      const revision = round % 2 === 0 ? 'handshake' : 'modern';
      const client = await connect(address, { info, token, revision, onNotification: () => undefined });
      try {
        await callAll(client, round);
      } finally {
        await client.close();
      }
      calls += 2 * BATCH;
    }
  } finally {
    for (const close of closing) await close();
  }
  return calls;
}

// All kinds of calls every few rounds, and the common one in each.
async function callAll(client: Connection, round: number): Promise<void> {
  const repeat = (send: () => Promise<Outcome>) => Promise.all(Array.from({ length: BATCH }, send));
  const prefix = round % 8 < 4 ? OLD : '';
  const call = (name: string, args: object, wantsProgress = false) =>
    repeat(() => client.request(toRequest('tools/call', { name: prefix + name, arguments: args }, wantsProgress)));
  const outcomes = await call('small', { text: SMALL, count: round });
  if (round % 4 !== 3) outcomes.push(...(await call('large', {})));
  if (round % 4 === 1) outcomes.push(...(await call('told', {}, true)));
  if (round % 4 === 3) outcomes.push(...(await repeat(() => client.request(toRequest('tools/list', {})))));
  const refusal = outcomes.find((outcome) => outcome.kind === 'error');
  if (refusal !== undefined) throw new GatewayError('INTERNAL', `a call was refused: ${refusal.error.message}`);
}

function isBusy(status: Status): boolean {
  return status.upstreams().some(({ inFlight }) => inFlight > 0);
}

interface ConnectWish {
  readonly info: Implementation;
  readonly token: string;
  readonly revision: 'modern' | 'handshake';
  readonly onNotification: Parameters<typeof openHttp>[0]['onNotification'];
}

function connect(url: string, { info, token, revision, onNotification }: ConnectWish): Promise<Connection> {
  return openHttp({
    upstream: 'warm',
    url,
    headers: { authorization: `Bearer ${token}` },
    client: info,
    revision,
    connectMs: CALL_MS,
    handshakeMs: CALL_MS,
    maxMessageBytes: MAX_BYTES,
    onNotification,
  });
}

function toRequest(method: string, params: object, wantsProgress = false): OutgoingRequest {
  return {
    method,
    params: toParams(params as Readonly<Record<string, unknown>>),
    client: { revision: MODERN_REVISION, info: { name: 'warm-up', version: '1' }, capabilities: {}, logLevel: 'off' },
    principal: 'warm-up',
    cancellation: new Cancellation(),
    timeoutMs: CALL_MS,
    emit: () => undefined,
    wantsProgress,
  };
}

const TOOLS = ['small', 'large', 'told'].map((name) => ({
  name,
  description: 'Stands for the tools of real servers. '.repeat(5),
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', maxLength: 10_000 }, count: { type: 'integer', minimum: 0 } },
    additionalProperties: false,
  },
}));

/** A server that answers at once. */
function createServer(info: Implementation): RequestHandler {
  const results = new Map(
    [HANDSHAKE_REVISIONS[0], MODERN_REVISION].map((revision) => {
      const say = (text: string) => toResult({ content: [{ type: 'text', text }] }, revision);
      return [
        isHandshake(revision),
        { list: toResult({ tools: TOOLS }, revision), small: say(SMALL), large: say(LARGE), told: say(SMALL) },
      ];
    }),
  );
  return {
    describe: () => ({ info, capabilities: { tools: {} }, instructions: undefined }),
    watch: () => () => undefined,
    subscribe: () => () => undefined,
    request: (request): Awaitable<Outcome> => {
      const { list, small, large, told } = results.get(isHandshake(request.client.revision))!;
      if (request.method === 'tools/list') return list;
      const name: unknown = request.params.get('name')?.value;
      if (name === 'large') return large;
      if (name !== 'told') return small;
      tell(request);
      return told;
    },
  };
}

function tell({ emit, params }: Request): void {
  const meta: unknown = params.get('_meta')?.value;
  const token = isObject(meta) ? meta['progressToken'] : undefined;
  if (token !== undefined) emit?.({ method: 'notifications/progress', params: RawJson.fromValue({ progressToken: token, progress: 1 }) });
}

function toResult(value: object, revision: string): Outcome {
  const isModern = !isHandshake(revision);
  const result = RawJson.fromValue(isModern ? { ...value, resultType: 'complete' } : value);
  return { kind: 'result', result, resultType: 'complete', isError: false, revision };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
