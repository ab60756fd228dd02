import { expect, test } from 'vitest';
import type { AnomalyBody } from '../learning-part.ts';
import { ANOMALY, createAdminSetup } from '../testing/admin-setup.ts';

test('everyone may look at what is learned and why', async () => {
  const { ask } = await createAdminSetup();
  const token = 'token-of-viewer';
  expect((await ask('GET', '/learning', { token })).body).toMatchObject({ state: 'learning', facts: { learned: 2 } });
  expect((await ask('GET', '/learning/why?need=say%20it', { token })).body).toMatchObject({ need: 'say it', matches: [{ name: 'echo' }] });
  for (const path of [
    '/learning/tools',
    '/learning/sequences?limit=3',
    '/learning/surfaces',
    '/learning/proposals?upstream=github',
    '/learning/quality?limit=7',
    '/learning/models',
    '/learning/models/a/diff/b',
  ])
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

test('what is abnormal is shown to all, and who did it to those who may know', async () => {
  const { ask } = await createAdminSetup();
  const { principalName: _, ...nameless } = ANOMALY;
  for (const role of ['operator', 'auditor', 'owner'])
    expect((await ask('GET', '/learning/anomalies?limit=5', { token: `token-of-${role}` })).body).toEqual({
      anomalies: [ANOMALY],
      heldBack: 0,
    });
  const token = 'token-of-viewer';
  expect((await ask('GET', '/learning/anomalies', { token })).body).toEqual({ anomalies: [nameless], heldBack: 0 });
  expect((await ask('GET', '/learning/anomalies?kind=rate', { token })).body).toMatchObject({ anomalies: [] });
  expect((await ask('GET', '/learning/anomalies?kind=odd', { token })).status).toBe(400);
  const named = { principal: 'aa', principalName: 'alice', sessions: 2 };
  expect((await ask('GET', '/learning/clusters')).body).toMatchObject({ clusters: [{ principals: [named] }] });
  expect((await ask('GET', '/learning/clusters', { token })).body).toMatchObject({
    clusters: [{ principals: [{ principal: 'aa', sessions: 2 }] }],
  });
  expect(JSON.stringify((await ask('GET', '/learning/clusters', { token })).body)).not.toContain('alice');
});

test('an operator says what an anomaly was, which is told in the audit', async () => {
  const { ask, changes } = await createAdminSetup();
  const token = 'token-of-operator';
  const body = { id: ANOMALY.id, verdict: 'noise' };
  expect((await ask('POST', '/learning/anomalies/feedback', { token: 'token-of-viewer', body })).status).toBe(403);
  expect((await ask('POST', '/learning/anomalies/feedback', { token, body })).body).toEqual({ ...ANOMALY, feedback: 'noise' });
  expect((await ask('POST', '/learning/anomalies/feedback', { token, body: { ...body, verdict: 'odd' } })).status).toBe(400);
  expect((await ask('POST', '/learning/anomalies/feedback', { token, body: { ...body, id: 'none' } })).body).toMatchObject({ status: 404 });
  expect(changes).toMatchObject([{ by: 'otto', action: 'learning.feedback', lines: ['0123456789ab noise'] }]);
});

test('an operator lets go who is held back, by a word or because it was noise, which is told in the audit', async () => {
  const restraint = { untilMs: 9, lifted: true };
  const setup = await createAdminSetup();
  const judgeAnomaly: typeof setup.learning.judgeAnomaly = async ({ verdict }) => ({ ...ANOMALY, feedback: verdict, restraint });
  const { ask, changes } = await createAdminSetup({ learning: { ...setup.learning, judgeAnomaly } });
  const token = 'token-of-operator';
  const { id } = ANOMALY;
  expect((await ask('POST', '/learning/anomalies/lift', { token: 'token-of-auditor', body: { id } })).status).toBe(403);
  expect((await ask('POST', '/learning/anomalies/lift', { token, body: { id: 'none' } })).status).toBe(404);
  expect((await ask('POST', '/learning/anomalies/lift', { token, body: { id } })).body).toEqual(restraint);
  const { body } = await ask('POST', '/learning/anomalies/feedback', { token, body: { id, verdict: 'noise' } });
  expect(body).toMatchObject({ id, restraint });
  expect(changes).toMatchObject([
    { by: 'otto', action: 'learning.lift', lines: [id] },
    { by: 'otto', action: 'learning.feedback', lines: [`${id} noise`, 'restraint lifted'] },
  ]);
});

test('a new anomaly is told as it happens, without the name', async () => {
  let tell: ((anomaly: AnomalyBody) => void) | undefined;
  const setup = await createAdminSetup();
  const { principalName: _, ...nameless } = ANOMALY;
  const learning = { ...setup.learning, watchAnomalies: (listener: typeof tell) => ((tell = listener), () => (tell = undefined)) };
  const { ask, api } = await createAdminSetup({ learning });
  const { response } = await ask('GET', '/events?types=anomaly', { token: 'token-of-viewer' });
  const reader = response.body!.getReader();
  await reader.read();
  tell!(nameless);
  const said = new TextDecoder().decode((await reader.read()).value);
  expect(said).toContain('event: anomaly');
  expect(said).toContain(`data: ${JSON.stringify(nameless)}`);
  api.close();
  expect(tell).toBeUndefined();
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

test('a commit is named and its name taken away by operators, which is told in the audit', async () => {
  const { ask, changes } = await createAdminSetup();
  const token = 'token-of-operator';
  expect((await ask('POST', '/learning/tags', { token: 'token-of-viewer', body: { name: 'good' } })).status).toBe(403);
  expect((await ask('POST', '/learning/tags', { token, body: { name: 'good', commit: 'c2' } })).body).toEqual({
    name: 'good',
    commit: 'c2',
  });
  expect((await ask('POST', '/learning/tags', { token, body: { name: 'not good' } })).status).toBe(400);
  expect((await ask('DELETE', '/learning/tags/good', { token })).body).toEqual({ name: 'good' });
  expect((await ask('DELETE', '/learning/tags/none', { token })).status).toBe(404);
  expect(changes).toMatchObject([
    { action: 'learning.tag', lines: ['good: commit c2'] },
    { action: 'learning.untag', lines: ['good'] },
  ]);
});
