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
  const { trace, method, name, startedAtMs, durationMs, sentAfterMs, upstreamMs, upstream, upstreamName, attempts } = record;
  if (trace === undefined) return [];
  const { traceId, spanId, parentSpanId, upstreamSpanId } = trace;
  const isError = record.status !== 'ok';
  const endMs = startedAtMs + durationMs;
  const common = { 'mcp.method.name': method, ...errorOf(record), 'signalbox.call.id': record.callId };
  const server: SpanFacts = {
    traceId,
    spanId,
    parentSpanId,
    name: nameOf(method, name),
    kind: 'server',
    startMs: startedAtMs,
    endMs,
    isError,
    attributes: {
      ...common,
      'mcp.protocol.version': record.revision,
      ...targetOf(method, name),
      ...transportOf(options.clientTransport()),
      'signalbox.principal': record.principal,
      'signalbox.cached': record.cached,
      'signalbox.queued_ms': record.queuedMs,
      ...given('signalbox.server', record.server),
      ...given('signalbox.client', record.client),
      ...given('signalbox.upstream', upstream),
    },
  };
  if (sentAfterMs === undefined) return [server];
  const startMs = startedAtMs + sentAfterMs;
  const client: SpanFacts = {
    traceId,
    spanId: upstreamSpanId,
    parentSpanId: spanId,
    name: nameOf(method, upstreamName),
    kind: 'client',
    startMs,
    // Between several attempts there are waits.
    endMs: attempts > 1 ? endMs : Math.min(endMs, startMs + upstreamMs),
    isError,
    attributes: {
      ...common,
      ...targetOf(method, upstreamName),
      ...transportOf(upstream === undefined ? undefined : options.upstreamTransport(upstream)),
      'signalbox.attempts': attempts,
      ...given('signalbox.upstream', upstream),
    },
  };
  return [server, client];
}

// Only what is one of few may be part of a span's name, which addresses of resources are not.
function nameOf(method: string, name: string | undefined): string {
  return name !== undefined && (method === 'tools/call' || method === 'prompts/get') ? `${method} ${name}` : method;
}

function targetOf(method: string, name: string | undefined): SpanFacts['attributes'] {
  if (method === 'tools/call') return { 'gen_ai.operation.name': 'execute_tool', ...given('gen_ai.tool.name', name) };
  if (method === 'prompts/get') return given('gen_ai.prompt.name', name);
  return method === 'resources/read' ? given('mcp.resource.uri', name && withoutSecrets(name)) : {};
}

function errorOf({ status, error }: CallRecord): SpanFacts['attributes'] {
  if (status === 'ok') return {};
  if (status === 'tool-error') return { 'error.type': 'tool_error' };
  return { 'error.type': error ?? status, ...(status === 'rpc-error' && given('rpc.response.status_code', error)) };
}

function transportOf(transport: NetworkTransport): SpanFacts['attributes'] {
  return given('network.transport', transport);
}

function given(name: string, value: string | undefined): SpanFacts['attributes'] {
  return value === undefined ? {} : { [name]: value };
}

// User, password and query of an address are where credentials stand.
function withoutSecrets(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1').replace(/[?#].*$/s, '');
}
