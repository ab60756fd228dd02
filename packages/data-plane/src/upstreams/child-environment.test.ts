import { expect, test } from 'vitest';
import { parseGatewayConfig } from '@signalbox/core';
import { childEnvironment, requireSecrets, resolveDeep } from './child-environment.ts';

const environment = { PATH: '/bin', HOME: '/home/me', SIGNALBOX_SECRET: 'ours', TOKEN: 't', EXTRA: 'e' };

function upstream(entry: object) {
  return parseGatewayConfig({ mcpServers: { a: entry } }).mcpServers['a']!;
}

test('a child gets a short list and what its entry asks for, nothing else of ours', () => {
  const config = upstream({ command: 'x', env: { KEY: { env: 'TOKEN' }, TEXT: 'Bearer ${env:TOKEN}' }, inheritEnv: ['EXTRA', 'ABSENT'] });
  expect(childEnvironment(config, environment)).toEqual({ PATH: '/bin', HOME: '/home/me', KEY: 't', TEXT: 'Bearer t', EXTRA: 'e' });
});

test('every missing variable is named, wherever it is referred to', () => {
  const config = upstream({ command: 'x', args: ['${env:ONE}'], env: { A: { env: 'TWO' }, B: '${THREE:-fine}' } });
  expect(() => requireSecrets('a', config, environment)).toThrow(/"a".*environment variables "TWO", "ONE"/);
  expect(() => requireSecrets('a', upstream({ module: 'm', config: { deep: [{ env: 'FOUR' }] } }), environment)).toThrow(/"FOUR"/);
});

test('a module’s configuration is resolved at any depth', () => {
  expect(resolveDeep({ a: [{ env: 'TOKEN' }, 1, null], b: { c: '${env:TOKEN}!', d: { env: 'TOKEN', more: 1 } } }, environment)).toEqual({
    a: ['t', 1, null],
    b: { c: 't!', d: { env: 'TOKEN', more: 1 } },
  });
});
