import { expect, test } from 'vitest';
import { exactJson, keepExactText, type ToolDefinition } from '@signalbox/core';
import { toCoreTool } from './task-calls.ts';

const EXTENSION = { revision: '2026-07-28', capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } };
const WITHOUT = { revision: '2026-07-28', capabilities: {} };

function read(text: string): ToolDefinition {
  const tool = JSON.parse(text) as ToolDefinition;
  keepExactText(tool, text);
  return tool;
}

test('a tool says in the words of the core whether it may be a task', () => {
  const plain = read('{"name":"t","inputSchema":{}}');
  const said = read('{"name":"t","inputSchema":{},"execution":{"taskSupport":"required"}}');
  expect(toCoreTool(plain, EXTENSION)).toEqual({ ...plain, execution: { taskSupport: 'optional' } });
  expect(toCoreTool(said, EXTENSION)).toBe(said);
  expect(toCoreTool(plain, WITHOUT)).toBe(plain);
  expect(toCoreTool(said, WITHOUT)).toEqual({ ...said, execution: { taskSupport: 'forbidden' } });
});

test('numbers in such a tool stay what its server wrote', () => {
  const schema = '{"maximum":9007199254740993,"minimum":-1e400,"default":1.0}';
  const plain = read(`{"name":"t","inputSchema":${schema}}`);
  expect(exactJson(toCoreTool(plain, EXTENSION))).toBe(`{"name":"t","inputSchema":${schema},"execution":{"taskSupport":"optional"}}`);
  const said = read(`{"name":"t","execution":{"n":${schema},"taskSupport":"required"},"inputSchema":{}}`);
  expect(exactJson(toCoreTool(said, WITHOUT))).toBe(`{"name":"t","execution":{"n":${schema},"taskSupport":"forbidden"},"inputSchema":{}}`);
});
