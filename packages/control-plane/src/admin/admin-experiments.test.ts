import { expect, test } from 'vitest';
import { createAdminSetup } from '../testing/admin-setup.ts';

const PATH = '/learning/experiments';
const LIMIT = { name: 'more-tools', kind: 'limit', limit: 8 };
const token = 'token-of-operator';

test('an experiment is started with its defaults, listed, steered and removed, and the audit tells who did it', async () => {
  const { ask, changes } = await createAdminSetup();
  const started = await ask('POST', PATH, { token, body: LIMIT });
  expect(started).toMatchObject({ status: 200, body: { ...LIMIT, share: 0.1, alpha: 0.05, minStageSeconds: 3_600 } });
  expect((started.body as { guards: object[] }).guards).toHaveLength(4);
  expect((await ask('GET', PATH, { token: 'token-of-viewer' })).body).toMatchObject({ experiments: [{ name: 'github' }, LIMIT] });
  expect((await ask('POST', `${PATH}/more-tools/freeze`, { token })).body).toMatchObject({ isFrozen: true });
  expect((await ask('DELETE', `${PATH}/more-tools`, { token })).status).toBe(409);
  expect((await ask('POST', `${PATH}/more-tools/stop`, { token })).body).toMatchObject({ stage: 'demoted' });
  expect((await ask('DELETE', `${PATH}/more-tools`, { token })).body).toEqual({ removed: 'more-tools' });
  expect(changes.map(({ by, action }) => `${by} ${action}`)).toEqual([
    'otto learning.experiment.start',
    'otto learning.experiment.freeze',
    'otto learning.experiment.stop',
    'otto learning.experiment.remove',
  ]);
});

test('the same command again changes nothing and is not told of again', async () => {
  const { ask, changes } = await createAdminSetup();
  for (const path of [PATH, PATH]) expect((await ask('POST', path, { body: LIMIT })).status).toBe(200);
  for (const command of ['freeze', 'freeze', 'thaw', 'thaw', 'stop', 'stop'])
    expect((await ask('POST', `${PATH}/more-tools/${command}`)).status).toBe(200);
  expect(changes).toHaveLength(4);
});

test.each([
  [{ ...LIMIT, kind: 'colour' }, 'ranking'],
  [{ ...LIMIT, share: 1 }, 'share'],
  [{ ...LIMIT, share: 0 }, 'share'],
  [{ ...LIMIT, alpha: 0.5 }, 'alpha'],
  [{ ...LIMIT, name: 'More tools' }, 'small letters'],
  [{ name: 'x', kind: 'limit' }, '"limit" needs it'],
  [{ name: 'x', kind: 'ranking', limit: 3 }, 'has no place in an experiment of the kind "ranking"'],
  [{ name: 'x', kind: 'description', upstream: 'files', tool: 'read' }, 'description'],
  [{ ...LIMIT, guards: [{ metric: 'colour', margin: 1 }] }, 'kilobytes'],
  [{ ...LIMIT, guards: [1, 2].map((margin) => ({ metric: 'failed', margin })) }, 'twice'],
])('%j is refused with what is wrong', async (body, said) => {
  const { ask } = await createAdminSetup();
  const answer = await ask('POST', PATH, { body });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body)).toContain(JSON.stringify(said).slice(1, -1));
});

test('who only looks starts nothing, and a name that is taken or unknown is told', async () => {
  const { ask } = await createAdminSetup();
  expect((await ask('POST', PATH, { token: 'token-of-viewer', body: LIMIT })).status).toBe(403);
  expect((await ask('POST', PATH, { body: { ...LIMIT, name: 'github' } })).body).toMatchObject({ status: 409, code: 'CONFLICT' });
  expect((await ask('GET', `${PATH}/none`)).body).toMatchObject({ status: 404, code: 'UNKNOWN_NAME' });
});
