import { expect, test } from 'vitest';
import { toolEffect } from './tool-effect.ts';

test.each([
  ['get_user', 'Get a user by id.', 'read'],
  ['listIssues', 'Lists the issues of a repository.', 'read'],
  ['search_code', 'Search code. Results are paginated.', 'read'],
  ['find_flights', 'Find flights between two cities.', 'read'],
  ['weather', 'Returns the weather of a city.', 'read'],
  ['create_issue', 'Create an issue.', 'write'],
  ['issue_delete', 'Deletes an issue.', 'write'],
  ['send_message', 'Sends a message to a channel.', 'write'],
  ['mark_read', 'Mark a notification as read.', 'write'],
  ['execute_query', 'Runs a query.', 'write'],
  // A name that looks and a text that does: nobody should rely on either.
  ['get_token', 'Creates a new token and returns it.', 'unknown'],
  ['check_out', 'Books the order and sends a receipt.', 'unknown'],
  ['frobnicate', 'Does things.', 'unknown'],
  ['', '', 'unknown'],
])('"%s" (%s) is a %s', (name, description, effect) => expect(toolEffect({ name, description })).toBe(effect));

test('an annotation alone makes no tool a read, and one that tells of change always counts', () => {
  const readOnlyHint = true;
  expect(toolEffect({ name: 'delete_all', description: 'Deletes everything.', annotations: { readOnlyHint } })).toBe('write');
  expect(toolEffect({ name: 'frobnicate', annotations: { readOnlyHint } })).toBe('unknown');
  expect(toolEffect({ name: 'get_user', annotations: { readOnlyHint: false } })).toBe('write');
  expect(toolEffect({ name: 'get_user', annotations: { destructiveHint: true } })).toBe('write');
});
