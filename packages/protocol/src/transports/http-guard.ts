import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { GatewayError } from '@signalbox/core';

export interface GuardOptions {
  /** Bearer token every request to the MCP address must carry. Other routes have proofs of their own. */
  readonly token?: string;
  /** Host names accepted beside those of loopback and the one we listen on. */
  readonly allowedHosts?: readonly string[];
  /** Web origins accepted beside those on loopback at our own port. */
  readonly allowedOrigins?: readonly string[];
}

const MAX_HEADERS = 200;
// A name or an address in brackets, with an optional port: no user, no path, nothing to be read in two ways.
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/;
const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
// Each distinct spelling is checked once; the bound keeps a client from filling memory with spellings.
const MAX_REMEMBERED = 64;

/** Tells whether an address to listen on can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Lets a request pass only if it names us as its host, comes from no foreign web page and knows the token.
 * The first two keep a page in the user's browser from talking to us by rebinding its name to loopback.
 */
export class HttpGuard {
  readonly #hosts: Set<string>;
  readonly #origins: Set<string>;
  readonly #token: Buffer | undefined;
  readonly #passed = new Set<string>();

  constructor(host: string, options: GuardOptions) {
    const own = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    this.#hosts = new Set([...LOOPBACK_HOSTS, own, ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase()));
    this.#origins = new Set((options.allowedOrigins ?? []).map((origin) => origin.toLowerCase()));
    this.#token = options.token === undefined ? undefined : digest(options.token);
  }

  /** Accepts web pages served from loopback at our own port. */
  addPort(port: number): void {
    for (const host of LOOPBACK_HOSTS) this.#origins.add(`http://${host}:${port}`);
  }

  /**
   * Checks where the request says it goes and comes from.
   * @throws GatewayError `INVALID_REQUEST` for a malformed host or frame, `TOO_MANY_HEADERS`, `FORBIDDEN`
   */
  checkPlace(request: IncomingMessage): void {
    const { rawHeaders, headers } = request;
    checkFrame(request);
    if (rawHeaders.length > 2 * MAX_HEADERS) throw new GatewayError('TOO_MANY_HEADERS', `Cannot accept more than ${MAX_HEADERS} headers`);
    let hosts = 0;
    for (let index = 0; index < rawHeaders.length; index += 2)
      if (rawHeaders[index]!.length === 4 && rawHeaders[index]!.toLowerCase() === 'host') hosts++;
    if (hosts !== 1) throw new GatewayError('INVALID_REQUEST', 'Cannot accept a request without exactly one Host header');
    this.#checkNames(headers);
  }

  /** Checks that the request carries the token, if one is wanted. @throws GatewayError `UNAUTHENTICATED` */
  checkToken({ headers }: { readonly headers: IncomingHttpHeaders }): void {
    if (this.#token !== undefined) this.#compare(headers.authorization, this.#token);
  }

  /** Tells whether a request to an MCP address would pass all checks. No name may have come twice in its headers. */
  admits(headers: IncomingHttpHeaders): boolean {
    try {
      this.#checkNames(headers);
      this.checkToken({ headers });
      return true;
    } catch (error) {
      if (error instanceof GatewayError) return false;
      throw error;
    }
  }

  #checkNames({ host, origin }: IncomingHttpHeaders): void {
    if (host === undefined) throw new GatewayError('INVALID_REQUEST', 'Cannot accept a request without exactly one Host header');
    if (!this.#passed.has(host)) this.#checkHost(host);
    if (origin !== undefined && !this.#origins.has(origin.toLowerCase())) {
      throw new GatewayError('FORBIDDEN', 'Cannot accept requests of this web origin: add it to "allowedOrigins" if it is yours');
    }
  }

  #checkHost(host: string): void {
    const name = HOST.exec(host.toLowerCase())?.[1];
    if (name === undefined)
      throw new GatewayError('INVALID_REQUEST', 'Cannot accept a Host header that is not a name with an optional port');
    if (!this.#hosts.has(name)) throw new GatewayError('FORBIDDEN', 'Cannot serve this host name: add it to "allowedHosts" if it is ours');
    if (this.#passed.size < MAX_REMEMBERED) this.#passed.add(host);
  }

  #compare(authorization: string | undefined, expected: Buffer): void {
    const given = authorization === undefined ? undefined : /^bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (given === undefined) throw new GatewayError('UNAUTHENTICATED', 'Cannot serve a request without a bearer token');
    if (!timingSafeEqual(digest(given), expected)) throw new GatewayError('UNAUTHENTICATED', 'Cannot accept this bearer token');
  }
}

// Node takes other versions for HTTP/1.1, chunks in HTTP/1.0, and codings in front of "chunked" that it does not undo, so a
// body could be one thing to us and another to whoever stands in front. https://www.rfc-editor.org/rfc/rfc9112#section-6.1
function checkFrame({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): void {
  if (httpVersionMajor !== 1) throw new GatewayError('INVALID_REQUEST', 'Cannot serve another version than HTTP/1.1');
  const coding = headers['transfer-encoding'];
  if (coding === undefined || (httpVersionMinor === 1 && !/,[\t ]*chunked$/i.test(coding))) return;
  throw new GatewayError('INVALID_REQUEST', 'Cannot read a body in another transfer coding than "chunked" of HTTP/1.1');
}

// Digests have one length, so comparing them tells nothing of the token's.
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
