import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MARK, ODD, REFUSED, REFUSED_BY_US, wellFormed, type NamedRequest } from '../../testing/hostile-requests.ts';
import { createTestHandler } from '../../testing/test-handler.ts';
import { createTestSeal } from '../../testing/test-seal.ts';
import { createHttpServer } from '../http-server.ts';

// Each request goes to our server and to a bare one of Node. What follows it on the connection asks for the connection's end.

const handler = createTestHandler();
const ours = createHttpServer({
  handler,
  seal: createTestSeal(),
  port: 0,
  limits: { maxMessageBytes: 100_000, maxDepth: 32 },
  sessions: { idleSeconds: 60, maxAgeSeconds: 600, max: 10 },
});
const bodies: string[] = [];
const bare = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .on('end', () => {
      bodies.push(Buffer.concat(chunks).toString('latin1'));
      response.end('{}');
    });
});
let ourPort = 0;
let barePort = 0;

beforeAll(async () => {
  ourPort = Number(new URL((await ours.listen()).url).port);
  await once(bare.listen(0, '127.0.0.1'), 'listening');
  barePort = (bare.address() as AddressInfo).port;
});

afterAll(async () => {
  await ours.close(0);
  bare.closeAllConnections();
  await once(bare.close(), 'close');
});

const GOOD = wellFormed(55);
const LAST = wellFormed(77, 'Connection: close\r\n');

const DELIVERIES: readonly (readonly [name: string, cut: (bytes: string) => readonly string[]])[] = [
  ['in one piece', (bytes) => [bytes]],
  ['in two halves', (bytes) => [bytes.slice(0, bytes.length / 2), bytes.slice(bytes.length / 2)]],
  ['line by line', (bytes) => bytes.split(/(?<=\n)/)],
  ['byte by byte', (bytes) => [...bytes.slice(0, MANY_BYTES), ...(bytes.slice(MANY_BYTES).match(/.{1,499}/gs) ?? [])]],
];
const MANY_BYTES = 700;

describe.each(DELIVERIES)('%s', (delivery, cut) => {
  test('what Node refuses is refused, and what follows it is no request', async () => {
    for (const { name, bare: node, ours: own } of await seeAll(REFUSED, (bytes) => cut(bytes + LAST))) {
      expect(node.requests, name).toBe(0);
      expect(own.requests, name).toBe(0);
      // Who still writes when the connection is closed may lose the answer.
      const refusals = own.answers.filter((status) => status.startsWith('4')).slice(0, 1);
      expect(own.answers, name).toEqual(delivery === 'in one piece' ? node.answers : refusals);
    }
  });

  test('what we refuse beyond that has no effect, and what follows it neither', async () => {
    for (const { name, ours: own } of await seeAll(REFUSED_BY_US, (bytes) => cut(bytes + LAST))) {
      expect(own.requests, name).toBe(0);
      // The answer is lost when Node finds something behind it that must not be there.
      expect(own.answers.join(), name).toMatch(/^(?:4\d\d)?$/);
    }
  });

  test('what can be understood is never more requests than it is for Node', async () => {
    for (const { name, bare: node, ours: own } of await seeAll(ODD, (bytes) => cut(bytes + LAST))) {
      expect(own.requests, name).toBeLessThanOrEqual(node.requests);
      expect(own.answers.length, name).toBeLessThanOrEqual(node.answers.length);
    }
  });
});

test('behind a good request, which is answered, all of it is refused as well', async () => {
  const seen = await seeAll([...REFUSED, ...REFUSED_BY_US], (bytes) => [GOOD, ANSWERED, bytes + LAST]);
  for (const { name, ours: own } of seen) {
    expect(own.requests, name).toBe(1);
    expect(own.answers.join(), name).toMatch(/^200(?:,4\d\d)?$/);
  }
});

test('sent together with a good request, all of it is refused, and has no effect', async () => {
  const seen = await seeAll([...REFUSED, ...REFUSED_BY_US], (bytes) => [GOOD + bytes + LAST]);
  for (const { name, ours: own } of seen) {
    expect(own.requests, name).toBe(1);
    expect(own.answers.join(), name).toMatch(/^200(?:,4\d\d)?$/);
  }
});

interface Seen {
  /** Requests that reached what stands behind the server. */
  readonly requests: number;
  /** Status codes of all answers, in their order. */
  readonly answers: readonly string[];
}

/** Sends each request to both servers on a connection of its own. */
function seeAll(
  cases: readonly NamedRequest[],
  cut: (bytes: string) => readonly string[],
): Promise<{ readonly name: string; readonly bare: Seen; readonly ours: Seen }[]> {
  handler.requests.length = 0;
  bodies.length = 0;
  return Promise.all(
    cases.map(async ([name, bytes], index) => {
      const mark = `mark-${String(index + 1).padStart(4, '0')}`;
      const pieces = cut(bytes).map((piece) => piece.replaceAll(MARK, mark));
      // A mark may be cut in pieces, too.
      const whole = pieces.length > 3 ? cut(bytes.replaceAll(MARK, mark)) : pieces;
      const [atBare, atOurs] = await Promise.all([exchange(barePort, whole), exchange(ourPort, whole)]);
      const isOf = (text: string) => text.includes(mark);
      return {
        name,
        bare: { requests: bodies.filter(isOf).length, answers: atBare },
        ours: {
          requests: handler.requests.filter(({ params }) => isOf(params.get('arguments')!.bytes.toString())).length,
          answers: atOurs,
        },
      };
    }),
  );
}

/** Stands for a wait until something has been answered. */
const ANSWERED = '\0answered';

/** Sends the pieces one after the other on one connection and waits until the server closes it. */
function exchange(port: number, pieces: readonly string[]): Promise<readonly string[]> {
  return new Promise((resolve) => {
    let answer = '';
    let next = 0;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const send = (): void => {
      if (next === pieces.length || socket.readyState !== 'open') return;
      if (pieces[next] !== ANSWERED) socket.write(pieces[next++]!, 'latin1', () => setImmediate(send));
      else if (answer !== '') {
        next++;
        send();
      }
    };
    socket.on('connect', send);
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (pieces[next] === ANSWERED) send();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve([...answer.matchAll(/HTTP\/1\.1 (\d{3}) (?!Continue)/g)].map(([, status]) => status!)));
  });
}
