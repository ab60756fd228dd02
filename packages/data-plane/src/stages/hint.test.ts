import { RawJson, silentLogger, systemClock, type Advice, type Answer, type RefusedCall } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import type { TargetedCall } from './call-stages.ts';
import { hint } from './hint.ts';

const CALL = { method: 'tools/call', principal: 'alice', target: { upstream: 'files', name: 'read' } } as TargetedCall;
const failed = (text: string, isError = true): Answer => ({
  kind: 'result',
  result: RawJson.fromBytes(Buffer.from(text)),
  resultType: 'complete',
  isError,
  revision: '2025-06-18',
  modernMembers: [1, 2],
});
const FAILED = '{"content":[ {"type":"text","text":"no"} ],"isError":true,"structuredContent":{"id":12345678901234567890}}';

function run(answer: Answer, hints: Advice['hints'], call = CALL) {
  const guard = createAdviceGuard({ current: { version: 1, hints } }, { clock: systemClock, logger: silentLogger });
  return hint({ advice: guard })(call, () => answer);
}

test('the answer to a call that failed says what helped others, and all else stays byte for byte', async () => {
  const asked: RefusedCall[] = [];
  const answer = await run(failed(FAILED), (call) => (asked.push(call), ['give `path`', 'leave out `x`', 'three', 'four']));
  expect(asked).toEqual([{ principal: 'alice', upstream: 'files', tool: 'read', code: undefined }]);
  expect(answer).toMatchObject({ kind: 'result', isError: true });
  expect(answer).not.toHaveProperty('modernMembers');
  expect((answer as { result: RawJson }).result.bytes.toString()).toBe(
    '{"content":[{"type":"text","text":"no"},{"type":"text","text":"Hint: give `path`\\nHint: leave out `x`\\nHint: three"}],' +
      '"isError":true,"structuredContent":{"id":12345678901234567890}}',
  );
});

test('so does a refusal of the params', async () => {
  const refusal: Answer = { kind: 'error', error: { code: -32_602, message: 'bad', data: { a: 1 } } };
  expect(await run(refusal, () => ['give `path`'])).toEqual({
    kind: 'error',
    error: { code: -32_602, message: 'bad\nHint: give `path`', data: { a: 1 } },
  });
});

test.each<[string, Answer, Advice['hints'], TargetedCall?]>([
  ['what went well', failed('{"content":[]}', false), () => ['x']],
  ['another error', { kind: 'error', error: { code: -32_603, message: 'bad' } }, () => ['x']],
  ['what nobody knows better', failed(FAILED), () => []],
  ['what is advised by none', failed(FAILED), undefined],
  [
    'an adviser that throws',
    failed(FAILED),
    () => {
      throw new Error('broken');
    },
  ],
  ['a result without content', failed('{"isError":true}'), () => ['x']],
  ['another method', failed(FAILED), () => ['x'], { ...CALL, method: 'prompts/get' }],
])('%s changes nothing', async (_, answer, hints, call) => {
  expect(await run(answer, hints, call)).toEqual(answer);
});
