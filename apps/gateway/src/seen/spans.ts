import type { Record as CallRecord } from '@signalbox/core';

/** A span, in nobody's terms. */
export interface SpanFacts {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Wall clock, milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** `pipe` for standard input and output, `tcp` for HTTP and WebSocket; `undefined` within a process. */
export type NetworkTransport = 'pipe' | 'tcp' | undefined;

export interface SpanOptions {
  /** How clients reach the gateway. */
  readonly clientTransport: () => NetworkTransport;
  /** How the gateway reaches an upstream. */
  readonly upstreamTransport: (upstream: string) => NetworkTransport;
}

/**
 * The spans of a call: one as its client sees it, and one of what the upstream did of it, if it was asked.
 * Names are those of https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md, where it
 * has any. Ids of sessions are left out: whoever knows one can speak in it.
 */
export function spansOf(record: CallRecord, options: SpanOptions): SpanFacts[] {
  const { trace, method, name, startedAtMs, durationMs, sentAfterMs, upstream, upstreamName, attempts } = record;
  if (trace === undefined) return [];
  const isError = record.status !== 'ok';
  const endMs = startedAtMs + durationMs;
  const attributes = commonOf(record, name);
  attributes['mcp.protocol.version'] = record.revision;
  attributes['signalbox.principal'] = record.principal;
  attributes['signalbox.cached'] = record.cached;
  const transport = options.clientTransport();
  if (transport !== undefined) attributes['network.transport'] = transport;
  if (record.server !== undefined) attributes['signalbox.server'] = record.server;
  if (record.client !== undefined) attributes['signalbox.client'] = record.client;
  const server: SpanFacts = {
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    name: nameOf(method, name),
    kind: 'server',
    startMs: startedAtMs,
    endMs,
    isError,
    attributes,
  };
  if (sentAfterMs === undefined) return [server];
  const startMs = startedAtMs + sentAfterMs;
  const inner = commonOf(record, upstreamName);
  inner['signalbox.attempts'] = attempts;
  inner['signalbox.queued_ms'] = record.queuedMs;
  const upstreamTransport = upstream === undefined ? undefined : options.upstreamTransport(upstream);
  if (upstreamTransport !== undefined) inner['network.transport'] = upstreamTransport;
  const client: SpanFacts = {
    traceId: trace.traceId,
    spanId: trace.upstreamSpanId,
    parentSpanId: trace.spanId,
    name: nameOf(method, upstreamName),
    kind: 'client',
    startMs,
    // Between several attempts there are waits.
    endMs: attempts > 1 ? endMs : Math.min(endMs, startMs + record.upstreamMs),
    isError,
    attributes: inner,
  };
  return [server, client];
}

type Attributes = Record<string, string | number | boolean>;

function commonOf({ method, callId, upstream, status, error }: CallRecord, name: string | undefined): Attributes {
  const attributes: Attributes = { 'mcp.method.name': method, 'signalbox.call.id': callId };
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
