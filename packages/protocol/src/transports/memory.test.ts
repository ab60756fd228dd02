import { expect, test } from 'vitest';
import { createChannelPair, type Fault } from './memory.ts';

function listen(channel: { onMessage: (message: Buffer) => void; onClose: (reason: string) => void }) {
  const seen: string[] = [];
  channel.onMessage = (message) => seen.push(message.toString());
  channel.onClose = (reason) => seen.push(`closed: ${reason}`);
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

test('faults befall the messages they are asked for', async () => {
  const faults: (Fault | undefined)[] = [
    { kind: 'drop' },
    { kind: 'repeat' },
    { kind: 'replace', message: Buffer.from('garbage') },
    { kind: 'delay', ms: 5 },
    undefined,
    { kind: 'close', reason: 'cut' },
  ];
  const { left, right } = createChannelPair({ fault: (_message, { to, index }) => (to === 'right' ? faults[index] : undefined) });
  const seen = listen(right);
  for (const text of ['0', '1', '2', '3', '4']) left.send(Buffer.from(text));
  await expect.poll(() => seen).toEqual(['1', '1', 'garbage', '4', '3']);
  left.send(Buffer.from('5'));
  await expect.poll(() => seen.at(-1)).toBe('closed: cut');
});
