import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, toGatewayError } from '@signalbox/core';
import { decodeStrict, readableId, type DecodeLimits } from '../../messages/message.ts';
import type { ChannelClients } from '../channel-clients.ts';
import { homeOf, withHome, type Homes } from '../homes.ts';
import { readBody } from '../http-body.ts';
import { reject } from '../http-exchange.ts';
import { checkContent, readAccept } from '../http-headers.ts';
import { SseServerChannel } from './sse-server-channel.ts';

export interface SseEndpointOptions {
  readonly clients: ChannelClients;
  /** Where MCP is spoken in the present way; the two addresses stand beside it. */
  readonly path: string;
  readonly limits: DecodeLimits & { readonly maxMessageBytes: number };
  /** Where else streams may be open, when several processes serve the addresses. */
  readonly homes?: Homes | undefined;
}

const ID_PARAMETER = 'sessionId';

/**
 * The two addresses of the HTTP+SSE transport of revision 2024-11-05: `GET sse` opens a stream that first names where to
 * POST messages; the answers to them come on the stream. A session is its stream and ends with it.
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export class SseEndpoint {
  readonly #clients: ChannelClients;
  readonly #limits: SseEndpointOptions['limits'];
  readonly #homes: Homes | undefined;
  readonly #streamPath: string;
  readonly #postPath: string;
  readonly #channels = new Map<string, SseServerChannel>();

  constructor({ clients, path, limits, homes }: SseEndpointOptions) {
    this.#clients = clients;
    this.#limits = limits;
    this.#homes = homes;
    this.#streamPath = path.replace(/[^/]*$/, 'sse');
    this.#postPath = path.replace(/[^/]*$/, 'messages');
  }

  /** Streams that are open. */
  get size(): number {
    return this.#channels.size;
  }

  /** Whether an address, with or without a query, is one of the two. */
  has(url: string): boolean {
    return isAt(url, this.#streamPath) || isAt(url, this.#postPath);
  }

  /**
   * Serves a request to one of the two addresses.
   * @param isHome Whether it is known to belong to this process. Otherwise it may be passed on to another.
   */
  serve(request: IncomingMessage, response: ServerResponse, isHome = this.#homes === undefined): void {
    const isPost = isAt(request.url ?? '', this.#postPath);
    try {
      if (request.method !== (isPost ? 'POST' : 'GET')) throw notAllowed(request.method);
      if (isPost) this.#receive(request, response, isHome);
      else this.#open(request, response);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      reject(request, response, { error, ...(error.code === 'METHOD_NOT_ALLOWED' && { allow: isPost ? 'POST' : 'GET' }) });
    }
  }

  #open(request: IncomingMessage, response: ServerResponse): void {
    if (!readAccept(request.headers.accept).events)
      throw new GatewayError('NOT_ACCEPTABLE', 'Cannot open a stream for a client that does not accept "text/event-stream"');
    this.#clients.checkRoom();
    // Whoever knows the id may speak for the client, so nobody must guess it.
    const id = withHome(this.#homes?.own, randomBytes(16).toString('base64url'));
    const channel = new SseServerChannel(response, `${this.#postPath}?${ID_PARAMETER}=${id}`);
    this.#channels.set(id, channel);
    response.on('close', () => this.#channels.delete(id));
    this.#clients.add(channel);
  }

  #receive(request: IncomingMessage, response: ServerResponse, isHome: boolean): void {
    checkContent(request.headers);
    const id = sessionOf(request.url ?? '');
    // A stream ends with its process, so there is no other place to look for it when that is gone.
    const home = isHome || homeOf(id) === undefined ? undefined : this.#homes!.find(id);
    if (typeof home === 'string')
      return this.#homes!.relay(home, { id, request, response, serve: () => this.serve(request, response, true) });
    home?.catch(() => undefined);
    // Refuse before the body is read, and look again behind it: the stream may end meanwhile.
    this.#find(id);
    readBody(request, {
      maxBytes: this.#limits.maxMessageBytes,
      onBody: (body) => {
        try {
          this.#deliver(id, body);
          response.writeHead(202, ['Content-Length', '0']).end();
        } catch (thrown) {
          const error = toGatewayError(thrown);
          if (error.code === 'INTERNAL') throw thrown;
          reject(request, response, { error, id: readableId(body) });
        }
      },
      onRefused: (error) => reject(request, response, { error }),
    });
  }

  // What cannot be read is refused here, where the client can tell which message it was; so it is read twice.
  #deliver(id: string, body: Buffer): void {
    const channel = this.#find(id);
    decodeStrict(body, this.#limits);
    channel.onMessage(body);
  }

  #find(id: string): SseServerChannel {
    const channel = this.#channels.get(id);
    if (channel === undefined)
      throw new GatewayError(
        'SESSION_NOT_FOUND',
        `Cannot find this session: it ends with its stream; open another with GET ${this.#streamPath}`,
      );
    return channel;
  }
}

function isAt(url: string, path: string): boolean {
  return url === path || url.startsWith(`${path}?`);
}

/** @throws GatewayError `INVALID_REQUEST` */
function sessionOf(url: string): string {
  const id = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get(ID_PARAMETER);
  if (id === null || id === '')
    throw new GatewayError('INVALID_REQUEST', `Cannot take a message without the "${ID_PARAMETER}" its stream has named`);
  return id;
}

function notAllowed(method: string | undefined): GatewayError {
  return new GatewayError('METHOD_NOT_ALLOWED', `Cannot serve ${method ?? 'this method'} at this address`);
}
