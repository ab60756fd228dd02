import { GatewayError, type ErrorData, type RpcError } from '@signalbox/core';

/** No answer to a request within its budget. */
export function callDeadline(upstream: string, method: string, budgetMs: number): GatewayError {
  return new GatewayError('DEADLINE_EXCEEDED', `Cannot complete "${method}" on upstream "${upstream}": no answer in ${Math.round(budgetMs)} ms`, {
    data: { upstream, phase: 'call', method, budgetMs },
  });
}

/** No conversation within its budget. */
export function handshakeDeadline(upstream: string, budgetMs: number): GatewayError {
  return new GatewayError('DEADLINE_EXCEEDED', `Cannot open upstream "${upstream}": no useful answer to the handshake in ${budgetMs} ms`, {
    data: { upstream, phase: 'handshake', budgetMs },
  });
}

/** The caller no longer wants the answer. */
export function callCancelled(upstream: string, method: string, reason: string): GatewayError {
  return new GatewayError('CANCELLED', `Cancelled "${method}" on upstream "${upstream}": ${reason}`, { data: { upstream, method } });
}

/**
 * The upstream cannot be reached, or went away.
 * @param options.sent Whether the request may have reached the server; `false` makes repeating it safe.
 */
export function unavailable(
  upstream: string,
  reason: string,
  options: { readonly sent: boolean; readonly data?: ErrorData; readonly cause?: unknown },
): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot reach upstream "${upstream}": ${reason}`, {
    ...(options.cause === undefined ? {} : { cause: options.cause }),
    data: { upstream, sent: options.sent, reason, ...options.data },
  });
}

/** The upstream said something that is no MCP. */
export function protocolFault(upstream: string, reason: string, data?: ErrorData): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `Cannot understand upstream "${upstream}": ${reason}`, { data: { upstream, ...data } });
}

/** A refusal of the server where an answer is needed to go on. */
export function toOutcomeError(upstream: string, method: string, error: RpcError): GatewayError {
  const code = error.code === -32601 ? 'METHOD_NOT_FOUND' : 'UPSTREAM_PROTOCOL';
  return new GatewayError(code, `Upstream "${upstream}" refused "${method}": ${error.message}`, {
    data: { upstream, method, rpcCode: error.code },
  });
}
