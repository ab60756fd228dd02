import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import { createCall } from '../testing/create-call.ts';
import { joinKey } from '../tool-key.ts';
import { createFallbackArms } from './fallback-arms.ts';

const READ = joinKey('files', 'read');
const COPY = joinKey('copy', 'read');
const failed = [{ upstream: 'files', tool: 'read', toolVersion: 'v1', errorCode: 'UPSTREAM_UNAVAILABLE' }];

test('an attempt that failed counts for the tool that failed, and the answer for the one that gave it', () => {
  const model = createFallbackArms();
  model.observe(createCall({ upstream: 'copy', attempts: 2, failed }));
  model.observe(createCall({ ending: 'toolError' }));
  expect(model.arms()).toEqual(
    new Map([
      [COPY, { calls: 1, failed: 0 }],
      [READ, { calls: 2, failed: 2 }],
    ]),
  );
});

test('an attempt counts once, also where the fallback after it was not even tried', () => {
  const model = createFallbackArms();
  model.observe(createCall({ ending: 'unavailable', attempts: 1, failed }));
  expect(model.arms()).toEqual(new Map([[READ, { calls: 1, failed: 1 }]]));
});

test('what was refused, taken back, cached, or never tried says nothing of a tool', () => {
  const model = createFallbackArms();
  for (const more of [{ ending: 'refused' }, { ending: 'cancelled' }, { cached: true }, { ending: 'unavailable', attempts: 0 }] as const)
    model.observe(createCall(more));
  expect(model.arms().size).toBe(0);
});

test('loading what was saved changes nothing, and two that saw a half each know together what one would', () => {
  const calls = Array.from({ length: 300 }, (_, index) =>
    createCall({
      upstream: index % 3 === 0 ? 'copy' : 'files',
      atMs: 1_000_000 + index * 300_000,
      ending: index % 7 === 0 ? 'timeout' : 'ok',
      ...(index % 5 === 0 && { failed }),
    }),
  );
  const modelOf = (facts: typeof calls) => {
    const model = createFallbackArms();
    for (const fact of facts) model.observe(fact);
    return model;
  };
  const whole = modelOf(calls);
  const copy = createFallbackArms();
  copy.load(whole.save());
  expect(copy.arms()).toEqual(whole.arms());
  const merged = createFallbackArms();
  const [a, b] = [modelOf(calls.slice(0, 120)).save(), modelOf(calls.slice(120)).save()];
  merged.load(mergeStates(whole.tables, { base: new Map(), a, b }));
  expect(merged.arms()).toEqual(whole.arms());
});
