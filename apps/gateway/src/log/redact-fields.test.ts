import { RawJson } from '@signalbox/core';
import { expect, test } from 'vitest';
import { redactFields } from './redact-fields.ts';

test.each([
  'token',
  'accessToken',
  'Authorization',
  'x-api-key',
  'API_KEY',
  'client_secret',
  'password',
  'Set-Cookie',
  'GITHUB_TOKEN',
  'privateKey',
])('the value of "%s" is hidden, at every depth', (name) => {
  const fields = redactFields({ [name]: 'abc', inner: { list: [{ [name]: { deep: 'abc' } }] } });
  expect(fields).toEqual({ [name]: '[redacted]', inner: { list: [{ [name]: '[redacted]' }] } });
});

test.each(['tokens', 'tool', 'author', 'key', 'tokenCount', 'secretary'])('the value of "%s" stays', (name) => {
  expect(redactFields({ [name]: 'abc' })).toEqual({ [name]: 'abc' });
});

test('a secret that is not there is shown as not there', () => {
  expect(redactFields({ token: undefined, secret: null })).toEqual({ token: undefined, secret: null });
});

test('an error is written with its cause and its own fields', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', token: 'abc' });
  expect(redactFields({ error: new Error('Cannot connect', { cause }) })).toMatchObject({
    error: { name: 'Error', message: 'Cannot connect', cause: { message: 'refused', code: 'ECONNREFUSED', token: '[redacted]' } },
  });
});

test('names that a line has of its own do not collide', () => {
  expect(redactFields({ level: 1, time: 2, msg: 3 })).toEqual({ level_: 1, time_: 2, msg_: 3 });
});

test('dates are text, bytes are counted, and what cannot become JSON does not make the line fail', () => {
  const fields = redactFields({
    at: new Date(0),
    bytes: Buffer.alloc(10),
    bad: RawJson.fromBytes(Buffer.from('{')),
    never: new Date(Number.NaN),
  });
  expect(fields).toMatchObject({
    at: '1970-01-01T00:00:00.000Z',
    bytes: '[10 bytes]',
    bad: expect.stringContaining('[unreadable: ') as unknown,
    never: null,
  });
});

test('a wide graph with circles is cut before it costs anything', () => {
  const nodes = Array.from({ length: 100 }, (): Record<string, unknown> => ({}));
  for (const node of nodes) for (const [index, other] of nodes.entries()) node[`n${index}`] = other;
  expect(JSON.stringify(redactFields({ graph: nodes })).length).toBeLessThan(50_000);
});
