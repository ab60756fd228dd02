import { STATUS_CODES } from 'node:http';
import { configProblems, toGatewayError, type Logger } from '@signalbox/core';
import type { ProblemBody } from '../contract.ts';

/** Turns a failure into problem details (RFC 9457). What is our own fault is logged, and the answer says nothing of the inside. */
export function toProblemResponse(failure: unknown, logger: Logger): Response {
  const error = toGatewayError(failure);
  if (error.code === 'INTERNAL') logger.error(`Cannot answer a request to the admin API: ${error.message}`, { error });
  // Here a name is part of the address, so one that is unknown is an address with nothing behind it.
  const status = error.code === 'UNKNOWN_NAME' ? 404 : error.httpStatus;
  const problems = configProblems(error);
  const body: ProblemBody = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: error.toRpc().message,
    code: error.code,
    ...(problems.length > 0 && { problems }),
  };
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="signalbox"');
  return new Response(JSON.stringify(body), { status, headers });
}
