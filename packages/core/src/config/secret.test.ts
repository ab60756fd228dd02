import { expect, test } from 'vitest';
import { missingSecrets, resolveSecret } from './secret.ts';

const environment = { TOKEN: 't0p', EMPTY: '' };

test('references are resolved in all three spellings', () => {
  expect(resolveSecret({ env: 'TOKEN' }, environment)).toBe('t0p');
  expect(resolveSecret('Bearer ${env:TOKEN}', environment)).toBe('Bearer t0p');
  expect(resolveSecret('${TOKEN}/${OTHER:-none}/${EMPTY}', environment)).toBe('t0p/none/');
  expect(resolveSecret('$TOKEN costs $5', environment)).toBe('$TOKEN costs $5');
});

test('what is missing is named, unless it has a default', () => {
  expect(missingSecrets({ env: 'NOPE' }, environment)).toEqual(['NOPE']);
  expect(missingSecrets('${env:A} ${B:-x} ${TOKEN}', environment)).toEqual(['A']);
});
