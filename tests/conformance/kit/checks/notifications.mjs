import { levels, metaKey } from '../wire/protocol.mjs';

/** Logging and progress. */
export const notificationChecks = [
  ...['debug', 'warning', 'emergency'].map((level) => ({
    group: 'logging',
    name: `logs from ${level} upwards arrive as they are, in order, before the answer`,
    run: async (t) => {
      for (const side of [t.direct, t.through]) await side.setLevel(level);
      await t.compareCall('log', { nonce: 'fixed' });
    },
  })),
  {
    group: 'logging',
    name: 'a log without a logger arrives without',
    run: async (t) => {
      for (const side of [t.direct, t.through]) await side.setLevel('error');
      await t.compareCall('log_without_logger', { nonce: 'fixed' });
    },
  },
  {
    group: 'logging',
    name: 'no log reaches a client that asks for none',
    when: ({ client }) => client === 'modern',
    run: async (t) => {
      const client = await t.openThrough();
      const { events } = await client.call('log', { nonce: 'fixed' });
      t.expect('/events', [], events);
    },
  },
  {
    group: 'logging',
    name: 'a level that does not exist is refused as invalid',
    run: async (t) => {
      const { response } =
        t.cell.client === 'handshake'
          ? await t.through.request('logging/setLevel', { level: 'loud' })
          : await t.through.call('echo', {}, { meta: { [metaKey.logLevel]: 'loud' } });
      t.expect('/error/code', -32602, response.error?.code);
    },
  },
  {
    group: 'logging',
    name: 'a session may change its level at any time',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      for (const level of ['emergency', 'debug', 'error']) {
        for (const side of [t.direct, t.through]) await side.setLevel(level);
        const { through } = await t.compareCall('log', { nonce: 'fixed' });
        const wanted = levels.slice(levels.indexOf(level));
        const seen = through.events.map(({ params }) => params?.level);
        t.expect(`/level ${level}`, wanted, seen);
      }
    },
  },
  ...['word', 7, 0, '7', 'größe \u{1f680}', 9007199254740991].map((progressToken) => ({
    group: 'progress',
    name: `progress arrives under the token ${JSON.stringify(progressToken)}, in order, before the answer`,
    run: async (t) => {
      const { through } = await t.compareCall('progress', { nonce: 'fixed' }, { meta: { progressToken } });
      t.expect('/events/length', 5, through.events.length);
    },
  })),
  {
    group: 'progress',
    name: 'no progress reaches a client that gave no token',
    run: async (t) => {
      const { through } = await t.compareCall('progress', { nonce: 'fixed' });
      t.expect('/events', [], through.events);
    },
  },
  {
    group: 'progress',
    name: 'progress arrives while the call goes on',
    run: async (t) => {
      const nonce = t.nonce();
      const seen = Promise.withResolvers?.() ?? withResolvers();
      const held = t.plain.call('hang', { nonce }, { meta: { progressToken: nonce }, onEvent: seen.resolve });
      const timer = setTimeout(() => seen.resolve(undefined), 3000);
      t.expect('/progressToken', nonce, (await seen.promise)?.params?.progressToken);
      clearTimeout(timer);
      await t.plain.call('release', { about: nonce });
      t.expect('/result/content/0/text', `released ${nonce}`, (await held).response.result?.content?.[0]?.text);
    },
  },
];

function withResolvers() {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
}
