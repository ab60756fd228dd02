import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { startRecordingServer, type RecordingServer } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { callHeaders, callText, toRequest } from './support/calls.ts';
import {
  CHUNKS,
  CODINGS,
  HOSTS,
  LENGTHS,
  LINES,
  MALFORMED,
  REQUEST_LINES,
  TOLERABLE,
  type Malformed,
} from './support/malformed-requests.ts';
import { openRaw, writeBytewise, type RawAnswer } from './support/raw-http.ts';

// H7, request smuggling: a request that two readers cut differently hides a second one. Each malformed request here holds
// a good call, and a good call follows on the same connection.
// https://www.rfc-editor.org/rfc/rfc9112#section-11.2

let upstream: RecordingServer;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startRecordingServer();
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } } } });
  await untilState(gateway, 'web', 'ready');
});

afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

let lastNonce = 0;

interface Attack {
  readonly smuggled: string;
  readonly after: string;
  readonly bytes: Buffer;
  readonly follower: Buffer;
}

function prepare({ write }: Malformed): Attack {
  const nonce = ++lastNonce;
  const smuggled = `smuggled-${nonce}.`;
  const after = `after-${nonce}.`;
  const headers = callHeaders(gateway.url);
  const body = callText(after, { text: after });
  return {
    smuggled,
    after,
    bytes: Buffer.from(write(headers, callText(smuggled, { text: smuggled })), 'latin1'),
    follower: toRequest('POST /mcp HTTP/1.1', [...headers, `Content-Length: ${body.length}`, 'Connection: close'], body),
  };
}

interface Sending {
  readonly bytewise?: boolean;
  /** How long a server may wait for more before it is taken to wait for ever, in milliseconds. */
  readonly patienceMs: number;
}

async function send(
  bytes: Buffer,
  { bytewise = false, patienceMs }: Sending,
): Promise<{ answers: readonly RawAnswer[]; isClosed: boolean }> {
  const connection = await openRaw(gateway.url);
  if (bytewise) await writeBytewise(connection.socket, bytes);
  else connection.socket.write(bytes);
  const isClosed = await connection.closedWithin(patienceMs);
  connection.close();
  return { answers: connection.read().answers, isClosed };
}

function callsWith(nonce: string): number {
  return upstream.calls.filter(({ body }) => body.includes(nonce)).length;
}

/** No success, but for the call that follows, which may have its own answer and no other. */
function expectRefusal(answers: readonly RawAnswer[], { smuggled, after }: Attack): void {
  for (const { body } of answers) expect(body).not.toContain(smuggled);
  const successes = answers.filter(({ status }) => status < 300).map(({ message }) => [message?.id, message?.result?.content?.[0]?.text]);
  expect([[], [[after, after]]]).toContainEqual(successes);
  expect(callsWith(smuggled)).toBe(0);
}

const good: Malformed = {
  name: 'good',
  write: (headers, body) => toRequest('POST /mcp HTTP/1.1', [...headers, `Content-Length: ${body.length}`], body).toString('latin1'),
};

test.each([good, ...TOLERABLE].flatMap((request) => [false, true].map((bytewise) => [request.name, bytewise, request] as const)))(
  'H7: a request (%s; byte by byte: %s) and the next are each answered as themselves',
  async (_, bytewise, request) => {
    const attack = prepare(request);
    const { answers, isClosed } = await send(Buffer.concat([attack.bytes, attack.follower]), { bytewise, patienceMs: 5_000 });
    expect(isClosed).toBe(true);
    expect(answers.map(({ status, message }) => [status, message?.id])).toEqual([
      [200, attack.smuggled],
      [200, attack.after],
    ]);
    expect([callsWith(attack.smuggled), callsWith(attack.after)]).toEqual([1, 1]);
  },
);

test('H7: the corpus has more than the 53 requests that strict parsers are known to refuse', () => {
  expect(MALFORMED.length).toBeGreaterThan(53);
  expect(new Set(MALFORMED.map(({ name }) => name)).size).toBe(MALFORMED.length);
});

describe.each([
  ['lengths', LENGTHS],
  ['transfer codings', CODINGS],
  ['line ends and header lines', LINES],
  ['request lines', REQUEST_LINES],
  ['chunks', CHUNKS],
  ['hosts and expectations', HOSTS],
] as const)('H7: %s', (_, cases) => {
  test.each(cases.map((malformed) => [malformed.name, malformed] as const))(
    '%s: no success and no call, alone and before another, whole and byte by byte',
    async (__, malformed) => {
      const alone = prepare(malformed);
      expectRefusal((await send(alone.bytes, { patienceMs: 250 })).answers, alone);
      for (const bytewise of malformed.isLong === true ? [false] : [false, true]) {
        const attack = prepare(malformed);
        const { answers, isClosed } = await send(Buffer.concat([attack.bytes, attack.follower]), { bytewise, patienceMs: 5_000 });
        expect(isClosed).toBe(true);
        expectRefusal(answers, attack);
      }
    },
  );
});

// RFC 9112 §9.6: who says that it closes must not run what comes behind, as the client will send that again elsewhere.
// Node would run it when it came in the same packet.
test('H7: a call behind a refused request either has its answer or was not run', async () => {
  for (const malformed of MALFORMED) {
    const attack = prepare(malformed);
    const { answers } = await send(Buffer.concat([attack.bytes, attack.follower]), { patienceMs: 5_000 });
    const isAnswered = answers.some(({ status }) => status < 300);
    expect([malformed.name, callsWith(attack.after)]).toEqual([malformed.name, isAnswered ? 1 : 0]);
  }
});

test('H7: after all that the gateway serves as before, and nothing smuggled has reached the upstream late', async () => {
  const last = prepare(good);
  const { answers } = await send(last.follower, { patienceMs: 5_000 });
  expect(answers[0]?.message).toMatchObject({ id: last.after, result: { content: [{ text: last.after }] } });
  const smuggled = upstream.calls.filter(({ body }) => /smuggled/.test(body.toString()));
  expect(smuggled.length).toBe(2 * (1 + TOLERABLE.length));
});
