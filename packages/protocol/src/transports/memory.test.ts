import { expect, test } from 'vitest';
import type { Channel } from './channel.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { createChannelPair, planFaults } from './memory.ts';

function listen(channel: Channel) {
  const seen: string[] = [];
  channel.onMessage = (message) => seen.push(message.toString());
  channel.onClose = (reason, undelivered) => seen.push(`closed: ${reason}${undelivered ? `, ${undelivered} not sent` : ''}`);
  return seen;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('messages arrive in order, after the sender’s turn or within it', async () => {
  const { left, right } = createChannelPair();
  const seen = listen(right);
  left.send(Buffer.from('a'));
  left.send(Buffer.from('b'));
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual(['a', 'b']);
  const sync = createChannelPair({ delivery: 'sync' });
  const heard = listen(sync.left);
  sync.right.send(Buffer.from('c'));
  expect(heard).toEqual(['c']);
});

test('closing one end closes both, once, after what was sent before', async () => {
  const { left, right } = createChannelPair();
  const [own, other] = [listen(left), listen(right)];
  left.send(Buffer.from('last'));
  await left.close();
  await right.close();
  left.send(Buffer.from('dropped'));
  await turn();
  expect(own).toEqual(['closed: closed']);
  expect(other).toEqual(['last', 'closed: closed by the other side']);
});

test('both ends closed in one turn hear of it once', async () => {
  const { left, right } = createChannelPair();
  const [own, other] = [listen(left), listen(right)];
  void left.close();
  void right.close();
  await turn();
  expect(own).toEqual(['closed: closed']);
  expect(other).toEqual(['closed: closed']);
});

test('faults befall the messages they are planned for, each way on its own', async () => {
  const clock = createTestClock();
  const fault = planFaults({
    toRight: {
      0: { kind: 'drop' },
      1: { kind: 'repeat' },
      2: { kind: 'replace', message: Buffer.from('garbage') },
      3: { kind: 'delay', ms: 5 },
    },
    toLeft: { 1: { kind: 'drop' } },
  });
  const { left, right } = createChannelPair({ fault, clock });
  const [back, seen] = [listen(left), listen(right)];
  for (const text of ['0', '1', '2', '3', '4']) left.send(Buffer.from(text));
  for (const text of ['a', 'b', 'c']) right.send(Buffer.from(text));
  await turn();
  expect(seen).toEqual(['1', '1', 'garbage', '4']);
  expect(back).toEqual(['a', 'c']);
  clock.advance(5);
  await turn();
  expect(seen.at(-1)).toBe('3');
});

test('a message may arrive behind later ones, at the latest before the close', async () => {
  const { left, right } = createChannelPair({
    fault: planFaults({
      toRight: { 0: { kind: 'reorder', behind: 2 }, 1: { kind: 'reorder', behind: 1 }, 4: { kind: 'reorder', behind: 9 } },
    }),
  });
  const seen = listen(right);
  for (const text of ['0', '1', '2', '3', '4', '5']) left.send(Buffer.from(text));
  await left.close();
  await turn();
  expect(seen).toEqual(['2', '0', '1', '3', '5', '4', 'closed: closed by the other side']);
});

test('a break tells the sender, after its turn, what has certainly not left', async () => {
  for (const [arrives, expected] of [
    [undefined, ['0', 'closed: cut, 2 not sent']],
    [true, ['0', '1', 'closed: cut, 1 not sent']],
  ] as const) {
    const { left, right } = createChannelPair({
      fault: planFaults({ toRight: { 1: { kind: 'close', reason: 'cut', ...(arrives && { arrives }) } } }),
    });
    const [own, seen] = [listen(left), listen(right)];
    for (const text of ['0', '1', '2']) left.send(Buffer.from(text));
    expect(own).toEqual([]);
    await turn();
    expect([...seen.filter((text) => !text.startsWith('closed')), ...own]).toEqual(expected);
    expect(seen.at(-1)).toBe('closed: cut');
  }
});
