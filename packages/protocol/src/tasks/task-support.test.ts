import { expect, test } from 'vitest';
import type { ClientProfile } from '@signalbox/core';
import { checkTaskMethod, clientTaskForm, serverTaskForm, toHandshakeCapabilities } from './task-support.ts';

const EXTENSION = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const client = (revision: string, capabilities: Record<string, unknown> = {}): ClientProfile => ({
  revision,
  info: undefined,
  capabilities,
  logLevel: 'off',
});

test('who speaks of tasks, and in which form, follows from revision and capabilities', () => {
  expect(clientTaskForm(client('2026-07-28', EXTENSION))).toBe('extension');
  expect(clientTaskForm(client('2026-07-28', { extensions: { 'io.modelcontextprotocol/tasks': true } }))).toBeUndefined();
  expect(clientTaskForm(client('2026-07-28'))).toBeUndefined();
  expect(clientTaskForm(client('2025-11-25'))).toBe('core');
  expect(clientTaskForm(client('2025-06-18', EXTENSION))).toBeUndefined();
  expect(serverTaskForm({ revision: '2026-07-28', capabilities: EXTENSION })).toBe('extension');
  expect(serverTaskForm({ revision: '2026-07-28', capabilities: { tasks: {} } })).toBeUndefined();
  expect(serverTaskForm({ revision: '2025-11-25', capabilities: { tasks: {} } })).toBe('core');
  expect(serverTaskForm({ revision: '2025-11-25', capabilities: EXTENSION })).toBeUndefined();
});

test('a method of another generation is not there, whatever the client declares', () => {
  for (const capabilities of [{}, EXTENSION])
    expect(() => checkTaskMethod('tasks/list', client('2026-07-28', capabilities))).toThrow(/no such method/);
  expect(() => checkTaskMethod('tasks/get', client('2026-07-28'))).toThrow(/did not declare/);
  expect(() => checkTaskMethod('tasks/get', client('2025-03-26'))).toThrow(/no such method/);
  expect(() => checkTaskMethod('tasks/anything', client('2025-11-25'))).toThrow(/no such method/);
  checkTaskMethod('tasks/update', client('2026-07-28', EXTENSION));
  checkTaskMethod('tasks/result', client('2025-11-25'));
});

test('each revision is told of tasks in its own words, or not at all', () => {
  const capabilities = { tools: {}, extensions: { ...EXTENSION.extensions, 'vendor/x': {} } };
  expect(toHandshakeCapabilities(capabilities, '2025-11-25')).toEqual({
    tools: {},
    extensions: { 'vendor/x': {} },
    tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
  });
  expect(toHandshakeCapabilities({ tools: {}, ...EXTENSION }, '2025-06-18')).toEqual({ tools: {} });
  expect(toHandshakeCapabilities({ tools: {} }, '2025-11-25')).toEqual({ tools: {} });
});
