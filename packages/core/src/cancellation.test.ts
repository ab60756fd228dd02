import { expect, test } from 'vitest';
import { Cancellation } from './cancellation.ts';

test('listeners hear the first reason once, late ones at once', () => {
  const cancellation = new Cancellation();
  const heard: string[] = [];
  cancellation.watch((reason) => heard.push(`early ${reason}`));
  const stop = cancellation.watch(() => heard.push('never'));
  stop();
  cancellation.cancel('gone');
  cancellation.cancel('again');
  cancellation.watch((reason) => heard.push(`late ${reason}`));
  expect(heard).toEqual(['early gone', 'late gone']);
  expect(cancellation.isCancelled).toBe(true);
});
