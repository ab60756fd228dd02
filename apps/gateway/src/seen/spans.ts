import type { Record as CallRecord } from '@signalbox/core';

/** What spans of like calls have in common. */
export interface SpanShape {
  readonly name: string;
  readonly kind: 'server' | 'client';
  readonly isError: boolean;
  readonly attributes: Attributes;
}

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** `pipe` for standard input and output, `tcp` for HTTP and WebSocket; `undefined` within a process. */
export type NetworkTransport = 'pipe' | 'tcp' | undefined;

/** How clients reach the gateway, and how the gateway reaches the upstream. */
export interface Transports {
  readonly clientTransport: NetworkTransport;
  readonly upstreamTransport: NetworkTransport;
}

/** Attributes that differ from call to call; all others are part of the shape. */
export const CALL_ID = 'signalbox.call.id';
export const QUEUED_MS = 'signalbox.queued_ms';

/**
 * Shapes of the spans of a call: one as its client sees it, and one of what the upstream did of it, which it has only if it was asked.
 * They are the same for like calls over the same transports. Names are those of
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md, where it has any. Ids of sessions
 * are left out: whoever knows one can speak in it.
 */
export function shapesOf(
  record: CallRecord,
  { clientTransport, upstreamTransport }: Transports,
): { readonly server: SpanShape; readonly client: SpanShape } {
  const { method, name, upstreamName } = record;
  const isError = record.status !== 'ok';
  const attributes = commonOf(record, name);
  attributes['mcp.protocol.version'] = record.revision;
  attributes['signalbox.principal'] = record.principal;
  attributes['signalbox.cached'] = record.cached;
  if (record.isAhead) attributes['signalbox.ahead'] = true;
  if (clientTransport !== undefined) attributes['network.transport'] = clientTransport;
  if (record.server !== undefined) attributes['signalbox.server'] = record.server;
  if (record.client !== undefined) attributes['signalbox.client'] = record.client;
  const inner = commonOf(record, upstreamName);
  inner['signalbox.attempts'] = record.attempts;
  if (upstreamTransport !== undefined) inner['network.transport'] = upstreamTransport;
  return {
    server: { name: nameOf(method, name), kind: 'server', isError, attributes },
    client: { name: nameOf(method, upstreamName), kind: 'client', isError, attributes: inner },
  };
}

function commonOf({ method, upstream, status, error }: CallRecord, name: string | undefined): Record<string, string | number | boolean> {
  const attributes: Record<string, string | number | boolean> = { 'mcp.method.name': method };
  if (upstream !== undefined) attributes['signalbox.upstream'] = upstream;
  if (method === 'tools/call') attributes['gen_ai.operation.name'] = 'execute_tool';
  if (name !== undefined) {
    if (method === 'tools/call') attributes['gen_ai.tool.name'] = name;
    else if (method === 'prompts/get') attributes['gen_ai.prompt.name'] = name;
    else if (method === 'resources/read') attributes['mcp.resource.uri'] = withoutSecrets(name);
  }
  if (status !== 'ok') attributes['error.type'] = status === 'tool-error' ? 'tool_error' : (error ?? status);
  if (status === 'rpc-error' && error !== undefined) attributes['rpc.response.status_code'] = error;
  return attributes;
}

// Only what is one of few may be part of a span's name, which addresses of resources are not.
function nameOf(method: string, name: string | undefined): string {
  return name !== undefined && (method === 'tools/call' || method === 'prompts/get') ? `${method} ${name}` : method;
}

// User, password and query of an address are where credentials stand.
function withoutSecrets(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1').replace(/[?#].*$/s, '');
}
