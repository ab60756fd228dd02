import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { findSecrets, maskJsonText, maskSecret, replaceSecrets } from './secrets.ts';

const hidden = (text: string, name?: string) => replaceSecrets(text, findSecrets(text, name), () => '?');

test.each([
  ['GITHUB_TOKEN', 'abc', '?'],
  ['OPENAI_API_KEY', 'abc', '?'],
  ['client_secret', 'abc', '?'],
  ['DB_PASSWORD', '123456', '?'],
  ['Authorization', 'Bearer abc', 'Bearer ?'],
  ['Authorization', 'Bearer ${env:TOKEN}', 'Bearer ${env:TOKEN}'],
  ['API_KEY', '${env:API_KEY:-fallback}', '?'],
  ['API_KEY', '${API_KEY}', '${API_KEY}'],
  ['API_KEY', '', ''],
  ['MAX_TOKENS', '4096', '4096'],
  ['SSH_KEY_PATH', '/home/x/key', '/home/x/key'],
  ['TOKEN_URL', 'https://x/token', 'https://x/token'],
  ['DATABASE_URL', 'postgres://user:pass@host/db', 'postgres://user:?@host/db'],
  ['NODE_ENV', 'production', 'production'],
  ['X', 'ghp_0123456789abcdefABCDEF', '?'],
])('%s=%j is shown as %j', (name, value, expected) => {
  expect(hidden(value, name)).toBe(expected);
});

test.each([
  ['--api-key=abc', '--api-key=?'],
  ['GITHUB_TOKEN=abc', 'GITHUB_TOKEN=?'],
  ['Authorization: Bearer abc', 'Authorization: Bearer ?'],
  ['Authorization:Bearer abc', 'Authorization:Bearer ?'],
  ['https://host/mcp?apiKey=abc&x=1', 'https://host/mcp?apiKey=?&x=1'],
  ['postgres://u:p@host', 'postgres://u:?@host'],
  ['@scope/package', '@scope/package'],
  ['--verbose', '--verbose'],
])('the argument %j is shown as %j', (value, expected) => {
  expect(hidden(value)).toBe(expected);
});

test('at most the last four characters of a secret are shown, and none of a short one', () => {
  expect(maskSecret('ghp_0123456789')).toBe('••••6789');
  expect(maskSecret('short')).toBe('••••');
});

test('in a JSON text secrets are masked wherever they stand, comments included', () => {
  const text = `{
  // "OLD_TOKEN": "commented-out-secret",
  "a": { "args": ["--token", "argument-secret", "-v"], "env": { "API_KEY": "with \\"quotes\\" inside", "PIN_SECRET": 12345678 } },
  "b": { "url": "https://x?token=address-secret", "headers": { "X-Api-Key": "header-secret" } } /* sk-abcdefghijklmnop */
}`;
  const masked = maskJsonText(text);
  expect(masked).toBe(`{
  // "OLD_TOKEN": "••••cret",
  "a": { "args": ["--token", "••••cret", "-v"], "env": { "API_KEY": "••••side", "PIN_SECRET": "••••" } },
  "b": { "url": "https://x?token=••••cret", "headers": { "X-Api-Key": "••••cret" } } /* ••••mnop */
}`);
});

test('no secret of any form survives masking', () => {
  const name = fc.constantFrom('GITHUB_TOKEN', 'API_KEY', 'password', 'Authorization');
  const group = fc.constantFrom('env', 'headers', 'other');
  fc.assert(
    fc.property(fc.string({ minLength: 5, maxLength: 40 }), name, group, (inside, name, group) => {
      const secret = `<${inside.replaceAll('$', 's')}>`;
      const masked = maskJsonText(JSON.stringify({ [group]: { [name]: secret } }, null, 2));
      expect(masked).not.toContain(JSON.stringify(secret).slice(1, -1));
    }),
  );
});
