import { expect, test } from 'vitest';
import { RequestHeads } from './request-head.ts';

const heads = () => new RequestHeads(new URL('http://example.test:8080/mcp?a=b'));

test('a head has what HTTP needs, then the headers as given', () => {
  const headers = ['accept', 'application/json', 'X-Name', 'v\xe9'];
  const start =
    'POST /mcp?a=b HTTP/1.1\r\nhost: example.test:8080\r\naccept-encoding: identity\r\naccept: application/json\r\nX-Name: v\xe9\r\n';
  const it = heads();
  expect(it.write({ method: 'POST', headers, body: Buffer.from('ab') })).toBe(`${start}content-length: 2\r\n\r\n`);
  expect(it.write({ method: 'POST', headers })).toBe(`${start}content-length: 0\r\n\r\n`);
  expect(it.write({ method: 'GET', headers })).toBe(`${start.replace('POST', 'GET')}\r\n`);
  expect(it.write({ method: 'GET', headers: [] })).toBe(
    'GET /mcp?a=b HTTP/1.1\r\nhost: example.test:8080\r\naccept-encoding: identity\r\n\r\n',
  );
});

test('compressed answers are never asked for', () => {
  const text = heads().write({ method: 'GET', headers: ['Accept-Encoding', 'gzip'] });
  expect(text).not.toContain('gzip');
});

test.each([
  ['x', 'a\r\nb: c'],
  ['x', 'a\nb'],
  ['x', 'a\0b'],
  ['x', 'a\u0142'],
  ['x\r\ny', 'a'],
  ['x y', 'a'],
  ['', 'a'],
  ['Transfer-Encoding', 'chunked'],
  ['content-length', '1'],
  ['Host', 'elsewhere'],
])('the header %j with the value %j is refused', (name, value) => {
  expect(() => heads().write({ method: 'GET', headers: [name, value] })).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(/^Cannot send the header /) }),
  );
});
