import { expect, test } from 'vitest';
import { GatewayError, toGatewayError } from './errors.ts';

test('an error tells callers its code and data', () => {
  const error = new GatewayError('UPSTREAM_UNAVAILABLE', 'Cannot reach upstream "x"', { data: { upstream: 'x' } });
  expect(error.toRpc()).toEqual({
    code: -32005,
    message: 'Cannot reach upstream "x"',
    data: { reason: 'UPSTREAM_UNAVAILABLE', upstream: 'x' },
  });
  expect(error.isRetryable).toBe(true);
});

test('data of the same name does not hide the code', () => {
  const error = new GatewayError('UPSTREAM_UNAVAILABLE', 'Cannot reach upstream "x": it is gone', { data: { reason: 'it is gone' } });
  expect(error.toRpc().data).toEqual({ reason: 'UPSTREAM_UNAVAILABLE' });
});

test('a fault of our own keeps its reason inside', () => {
  const error = toGatewayError(new TypeError('secret path /etc'));
  expect(error.code).toBe('INTERNAL');
  expect(error.cause).toBeInstanceOf(TypeError);
  expect(JSON.stringify(error.toRpc())).not.toContain('secret');
});
