import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Words that mean the same have the same direction; every other word has one of its own, as far as there is room. */
const SYNONYMS: readonly (readonly string[])[] = [
  ['car', 'automobile', 'vehicle'],
  ['buy', 'purchase', 'acquire'],
  ['doctor', 'physician'],
];
const LENGTH = 64;

export interface EmbeddingsRequest {
  readonly authorization: string | undefined;
  readonly model: string;
  readonly input: readonly string[];
  readonly dimensions?: number;
}

/** A server of embeddings for tests. */
export interface EmbeddingsServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: EmbeddingsRequest[];
  /** Every text it was asked for. */
  readonly texts: () => readonly string[];
  /** Answers in place of what it does by itself, when set; `undefined` is no answer at all. */
  answer:
    | ((
        request: EmbeddingsRequest,
      ) => { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> } | undefined)
    | undefined;
}

export async function startEmbeddingsServer(): Promise<EmbeddingsServer> {
  const requests: EmbeddingsRequest[] = [];
  const run = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await text(request)) as Omit<EmbeddingsRequest, 'authorization'>;
    const asked = { ...body, authorization: request.headers.authorization };
    if (request.method !== 'POST' || request.url !== '/v1/embeddings') return void response.writeHead(404).end();
    requests.push(asked);
    const told = server.answer === undefined ? { status: 200, body: vectorsOf(asked.input) } : server.answer(asked);
    if (told === undefined) return;
    response.writeHead(told.status, { 'content-type': 'application/json', ...('headers' in told && told.headers) }).end(told.body);
  };
  const http = createServer((request, response) => void run(request, response)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: EmbeddingsServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    requests,
    texts: () => requests.flatMap(({ input }) => input),
    answer: undefined,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  return server;
}

/** The answer to texts, last one first, as its numbers alone say what belongs to what. */
export function vectorsOf(texts: readonly string[]): string {
  const data = texts.map((each, index) => ({ object: 'embedding', index, embedding: embed(each) })).toReversed();
  return JSON.stringify({ object: 'list', data, model: 'toy' });
}

function embed(text: string): number[] {
  const vector: number[] = Array.from({ length: LENGTH }, () => 0);
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    const meaning = SYNONYMS.findIndex((words) => words.includes(word));
    const place = meaning === -1 ? SYNONYMS.length + (hash(word) % (LENGTH - SYNONYMS.length)) : meaning;
    vector[place]! += 1;
  }
  return vector.some((value) => value > 0) ? vector : vector.fill(1);
}

function hash(word: string): number {
  let sum = 7;
  for (const letter of word) sum = (sum * 31 + letter.codePointAt(0)!) % 1_000_003;
  return sum;
}
