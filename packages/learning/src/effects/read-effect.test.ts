import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeVerbs } from './effect-words.ts';
import { readEffect, type DescribedTool } from './read-effect.ts';

const effectOf = (name: string, description?: string, rest: Partial<DescribedTool> = {}) =>
  readEffect({ name, description, ...rest }).effect;

test.each([
  ['get_user', 'Get a user by id.'],
  ['listOpenIssues', 'Lists the open issues of a repository.'],
  ['crm_find_contact', 'Find a contact by name.'],
  ['current_user', 'Get details about the owner of the token.'],
  ['directory_tree', 'Returns the files below a folder.'],
  ['can_send_mail', 'Checks whether mail can be sent.'],
  ['check_access_point', 'Checks the settings your phone uses to connect to the network.'],
  ['page_screenshot', 'Take a screenshot of the current page.'],
  ['zone_time', 'Convert a time between time zones.'],
  ['get_usage', 'Get the usage. This feature allows you to make calls abroad (download volume).'],
  ['usage_figures', 'Get the figures. This does not modify the database (read-only).'],
])('%s reads', (name, description) => expect(effectOf(name, description)).toBe('read'));

test.each([
  ['delete_user', 'Delete a user.'],
  ['sendMail', 'Sends a mail.'],
  ['crm_update_contact', 'Update a contact.'],
  ['desk_check_in', 'Check in a guest.'],
  ['tokens', 'Creates a token and returns it.'],
])('%s writes', (name, description) => expect(effectOf(name, description)).toBe('write'));

test.each([
  ['get_or_create_user', 'Get a user.'],
  ['find_duplicates', 'Find duplicates and delete them.'],
  ['get_report', 'Get the report. It will send a copy to the owner.'],
  ['list_queue', 'List the queue. This has side effects.'],
  ['mark_as_read', 'Mark as read.'],
  ['return_item', 'Return an item.'],
  ['run_speed_test', 'Run a speed test.'],
  ['frobnicate', ''],
  ['next_job', 'Fetch the next job and mark it as taken.'],
  ['first', 'Get the first item, removing it from the queue.'],
  ['get_token', 'Get a new token. The old one will be revoked.'],
  ['lookup', 'Finds or creates a user.'],
  ['page_evaluate', 'Evaluate an expression on the page.'],
  ['to_pdf', 'Convert a document to PDF.'],
  ['provide_feedback', 'Provide feedback.'],
  ['clean_report', 'After reading, deletes the file.'],
  ['accounts', 'Manages accounts. Returns the new balance.'],
  ['frob', 'Frobs the bar, and does not modify the baz.'],
])('%s is not held for a read', (name, description) => expect(effectOf(name, description)).not.toBe('read'));

test('an argument that carries orders makes a reading name doubtful', () => {
  const inputSchema = { type: 'object', properties: { sql: { type: 'string' } } };
  expect(effectOf('query', 'Query the database.', { inputSchema })).toBe('unknown');
  expect(effectOf('query', 'Query the database. Read-only.', { inputSchema })).toBe('read');
});

test('annotations tip what is unknown, and do not outweigh a word of writing', () => {
  expect(effectOf('frobnicate', '', { annotations: { readOnlyHint: true } })).toBe('read');
  expect(effectOf('get_user', 'Get a user.', { annotations: { readOnlyHint: false } })).toBe('write');
  expect(effectOf('get_user', 'Get a user.', { annotations: { destructiveHint: true } })).toBe('write');
  expect(effectOf('delete_user', 'Delete a user.', { annotations: { readOnlyHint: true } })).toBe('write');
  expect(effectOf('get_user', 'Get a user and update its last visit.', { annotations: { readOnlyHint: true } })).toBe('unknown');
});

test('a name that begins with a verb of writing is never a read, whatever else is said', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...writeVerbs),
      fc.string(),
      fc.option(fc.boolean(), { nil: undefined }),
      (verb, description, readOnlyHint) => {
        expect(effectOf(`${verb}_thing`, description, { annotations: { readOnlyHint } })).not.toBe('read');
      },
    ),
  );
});

test('anything can be said of a tool without a failure, and long texts are cut', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.anything(), (name, description, inputSchema) => {
      expect(['read', 'write', 'unknown']).toContain(effectOf(name, description, { inputSchema }));
    }),
  );
  const begunAt = performance.now();
  readEffect({ name: 'a_'.repeat(50_000), description: 'and will ('.repeat(100_000) });
  expect(performance.now() - begunAt).toBeLessThan(500);
});
