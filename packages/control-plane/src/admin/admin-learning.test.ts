import { expect, test } from 'vitest';
import { createAdminSetup } from '../testing/admin-setup.ts';

test('everyone may look at what is learned and why', async () => {
  const { ask } = await createAdminSetup();
  const token = 'token-of-viewer';
  expect((await ask('GET', '/learning', { token })).body).toMatchObject({ state: 'learning', facts: { learned: 2 } });
  expect((await ask('GET', '/learning/why?need=say%20it', { token })).body).toMatchObject({ need: 'say it', matches: [{ name: 'echo' }] });
  for (const path of ['/learning/tools', '/learning/sequences?limit=3', '/learning/models', '/learning/models/a/diff/b'])
    expect([path, (await ask('GET', path, { token })).status]).toEqual([path, 200]);
});

test('who steers it is told of in the audit', async () => {
  const { ask, changes } = await createAdminSetup();
  const token = 'token-of-operator';
  expect((await ask('POST', '/learning/freeze', { token, body: { frozen: true } })).status).toBe(200);
  expect((await ask('POST', '/learning/rollback', { token, body: { to: 'c1' } })).body).toEqual({ commit: 'c2' });
  expect(changes).toMatchObject([
    { by: 'otto', action: 'learning.freeze' },
    { by: 'otto', action: 'learning.rollback', lines: ['to c1', 'commit c2'] },
  ]);
});

test('only the owner may have something forgotten, must say what, and gets the proof', async () => {
  const { ask, changes } = await createAdminSetup();
  const body = { principal: 'vera' };
  expect((await ask('POST', '/learning/forget', { token: 'token-of-operator', body })).status).toBe(403);
  expect((await ask('POST', '/learning/forget', { body: {} })).body).toMatchObject({
    status: 400,
    detail: expect.stringContaining('what') as string,
  });
  expect((await ask('POST', '/learning/forget', { body })).body).toMatchObject({ forgotten: 1, before: 'aa', after: 'bb' });
  expect(changes).toMatchObject([{ action: 'learning.forget', lines: ['1 facts', 'root before aa', 'root after bb'] }]);
});

test('what is not there is refused, and learning that is off is not found', async () => {
  const { ask } = await createAdminSetup();
  expect((await ask('POST', '/learning/rollback', { body: { to: 'nowhere' } })).body).toMatchObject({
    status: 404,
    detail: 'There is no commit, branch or tag "nowhere"',
  });
  const off = await createAdminSetup({ learning: undefined as never });
  expect((await off.ask('GET', '/learning')).body).toMatchObject({ status: 404, detail: 'Learning is off in this gateway' });
});
