import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCall } from '../testing/create-call.ts';
import { createFailureModel, toAttemptEvent, type AttemptEvent } from './failure-model.ts';

const attempt = (more: Partial<AttemptEvent> = {}): AttemptEvent => ({
  session: 's',
  atMs: 0,
  upstream: 'files',
  tool: 'read',
  argsShape: ['path:string'],
  argsKey: 'a',
  ...more,
});

test('what fails is foretold: a tool, an argument that is missing, the same call again after a failure', () => {
  const model = createFailureModel();
  for (let round = 0; round < 60; round++) {
    const alone = (more: Partial<AttemptEvent>) => attempt({ ...more, session: `${round} ${JSON.stringify(more)}` });
    model.observe({ ...alone({ tool: 'broken' }), isOk: false });
    model.observe({ ...alone({ tool: 'picky', argsShape: [] }), isOk: false });
    model.observe({ ...alone({ tool: 'picky' }), isOk: true });
    model.observe({ ...alone({}), isOk: round % 4 > 0 });
    model.observe({ ...alone({}), isOk: round % 4 > 0 });
  }
  expect(model.risk(attempt({ session: 'n', tool: 'broken' }))).toBeGreaterThan(0.9);
  expect(model.risk(attempt({ session: 'n', tool: 'picky', argsShape: [] }))).toBeGreaterThan(0.7);
  expect(model.risk(attempt({ session: 'n', tool: 'picky' }))).toBeLessThan(0.3);
  const fresh = model.risk(attempt({ session: 'n' }));
  model.observe({ ...attempt({ session: 'n' }), isOk: false });
  expect(model.risk(attempt({ session: 'n' }))).toBeGreaterThan(fresh);
});

test('a risk is a probability, and asking changes nothing', () => {
  const events = fc.array(
    fc.record({
      tool: fc.constantFrom('a', 'b'),
      session: fc.constantFrom('x', 'y'),
      argsKey: fc.constantFrom('', '1', '2'),
      isOk: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(events, (all) => {
      const model = createFailureModel();
      for (const { isOk, ...event } of all) {
        const risk = model.risk(attempt(event));
        expect(risk).toBeGreaterThan(0);
        expect(risk).toBeLessThan(1);
        expect(model.risk(attempt(event))).toBe(risk);
        model.observe({ ...attempt(event), isOk });
      }
    }),
  );
});

test('loading what was saved changes no risk, also in sessions that go on and of what comes later', () => {
  const events = fc.array(
    fc.record({
      tool: fc.constantFrom('a', 'b'),
      session: fc.constantFrom('x', 'y', 'with\0"separator'),
      argsKey: fc.constantFrom('', '1', '2'),
      isOk: fc.boolean(),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(events, events, (before, after) => {
      const model = createFailureModel();
      for (const { isOk, ...event } of before) model.observe({ ...attempt(event), isOk });
      const copy = createFailureModel();
      copy.load(model.save());
      for (const { isOk, ...event } of after) for (const each of [model, copy]) each.observe({ ...attempt(event), isOk });
      expect(copy.save()).toEqual(model.save());
      for (const session of ['x', 'y', 'with\0"separator', 'new'])
        for (const argsKey of ['', '1']) expect(copy.risk(attempt({ session, argsKey }))).toBe(model.risk(attempt({ session, argsKey })));
    }),
    { numRuns: 60 },
  );
});

test('what was refused or taken back is no attempt', () => {
  expect(toAttemptEvent(createCall({ tenant: 't', principal: 'p', session: 's', ending: 'timeout' }))).toMatchObject({
    session: 't\0p\0s',
    isOk: false,
  });
  for (const ending of ['refused', 'cancelled'] as const) expect(toAttemptEvent(createCall({ ending }))).toBeUndefined();
});
