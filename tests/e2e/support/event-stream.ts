import { request as sendRequest, type ClientRequest, type IncomingMessage } from 'node:http';

export interface EventStream extends AsyncDisposable {
  readonly events: readonly { readonly id: string | undefined; readonly data: string }[];
  /** Messages of that method so far. */
  heard(method: string): readonly unknown[];
}

/** Opens the stream of a session, over a connection of its own. @param last The event to go on after. */
export async function openEventStream(url: string, sessionId: string, last?: string): Promise<EventStream> {
  const headers = {
    accept: 'text/event-stream',
    'mcp-session-id': sessionId,
    'mcp-protocol-version': '2025-11-25',
    ...(last !== undefined && { 'last-event-id': last }),
  };
  return readEvents(sendRequest(url, { method: 'GET', agent: false, headers }));
}

/** Listens as a client of the modern revision does. @param notifications What for. */
export async function openListening(url: string, notifications: Readonly<Record<string, unknown>>): Promise<EventStream> {
  const revision = '2026-07-28';
  const meta = 'io.modelcontextprotocol/';
  const _meta = {
    [`${meta}protocolVersion`]: revision,
    [`${meta}clientInfo`]: { name: 'raw-client', version: '1.0.0' },
    [`${meta}clientCapabilities`]: {},
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params: { notifications, _meta } });
  const headers = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'mcp-protocol-version': revision,
    'mcp-method': 'subscriptions/listen',
  };
  return readEvents(sendRequest(url, { method: 'POST', agent: false, headers }), body);
}

async function readEvents(request: ClientRequest, body?: string): Promise<EventStream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject).end(body));
  if (response.statusCode !== 200) throw new Error(`The stream was refused with ${response.statusCode}`);
  const events: { id: string | undefined; data: string }[] = [];
  let rest = '';
  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop()!;
    for (const part of parts) events.push({ id: /^id: ?(.*)$/m.exec(part)?.[1], data: /^data: ?(.*)$/m.exec(part)?.[1] ?? '' });
  });
  response.on('error', () => undefined);
  return {
    events,
    heard: (method) => events.filter(({ data }) => data.includes(`"${method}"`)),
    [Symbol.asyncDispose]: async () => {
      request.on('error', () => undefined).destroy();
    },
  };
}
