import { JsonText } from '../wire/json.mjs';
import { contains, hasSeveral } from '../trial.mjs';
import { lists } from '../wire/protocol.mjs';

/** What only vendors know. It names no server, so it is for the one that stands alone. */
export const vendorChecks = [
  {
    group: 'vendor',
    name: "a vendor's request reaches the server and its answer the client",
    run: (t) =>
      t.compare(
        'kit.test/echo',
        { any: { thing: [1, new JsonText('9007199254740993')] }, _meta: { 'kit.test/vendor': 1 } },
        { through: t.alone },
      ),
  },
  {
    group: 'vendor',
    name: "the error of a vendor's request arrives as it is",
    run: (t) => t.compare('kit.test/fail', { nonce: 'fixed' }, { through: t.alone }),
  },
  {
    group: 'vendor',
    name: "a vendor's request that could be for several servers is refused, and why",
    when: hasSeveral,
    run: async (t) => {
      const { response } = await t.through.request('kit.test/echo', {});
      t.expect('/error/code', -32601, response.error?.code);
      t.demand(
        '/error/message',
        /several servers/.test(response.error?.message),
        'that there are several servers',
        response.error?.message,
      );
    },
  },
  {
    group: 'vendor',
    name: "a vendor's notification during a call reaches the client",
    run: (t) => t.compareCall('vendor_notify', { nonce: 'fixed' }),
  },
  {
    group: 'vendor',
    name: "a vendor's notification reaches the server",
    run: async (t) => {
      const nonce = t.nonce();
      await t.alone.notify('notifications/kit.test/said', { nonce, list: [1, {}] });
      const { notifications } = await t.waitForJournal(nonce, ({ notifications: heard }) => heard.length > 0, { side: t.alone });
      t.expect('/notifications/length', 1, notifications.length);
      t.expect('/params/list', [1, {}], notifications[0]?.params?.list);
    },
  },
  {
    group: 'vendor',
    name: "a vendor's notification that could be for several servers reaches none",
    when: hasSeveral,
    run: async (t) => {
      const [dropped, passed] = [t.nonce(), t.nonce()];
      await t.through.notify('notifications/kit.test/said', { nonce: dropped });
      await t.alone.notify('notifications/kit.test/said', { nonce: passed });
      await t.waitForJournal(passed, ({ notifications }) => notifications.length > 0, { side: t.alone });
      t.expect('/notifications', [], (await t.journal(dropped)).notifications);
    },
  },
];

/** How long what is given may be kept. A gateway may promise less than the server did, never more. */
export const cachingChecks = [
  ...Object.keys(lists).map((method) => ({
    group: 'caching',
    name: `${method} carries hints that promise no more than the server's`,
    when: ({ client }) => client === 'modern',
    run: async (t) => {
      const { direct, through } = await t.lists(method);
      for (const page of through.pages) demandHints(t, page, direct.pages[0]);
    },
  })),
  {
    group: 'caching',
    name: "resources/read carries hints that promise no more than the server's",
    when: ({ client }) => client === 'modern',
    run: async (t) => {
      const params = { uri: 'kit://plain' };
      const { response: one } = await t.direct.request('resources/read', params);
      const { response: other } = await t.through.request('resources/read', params);
      demandHints(t, other.result ?? {}, one.result ?? {});
    },
  },
  ...['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'].map((method) => ({
    group: 'caching',
    name: `${method} hands on the server's time to live and scope`,
    when: ({ server, client }) => server === 'modern' && client === 'modern',
    run: async (t) => {
      const { direct, through } = await t.lists(method);
      t.demand(
        '/ttlMs',
        through.pages[0].ttlMs > 0 && through.pages[0].ttlMs <= direct.pages[0].ttlMs,
        `up to ${direct.pages[0].ttlMs}, and not 0`,
        through.pages[0].ttlMs,
      );
      t.expect('/cacheScope', direct.pages[0].cacheScope, through.pages[0].cacheScope);
    },
  })),
  {
    group: 'caching',
    name: "resources/read hands on the server's time to live and scope",
    when: ({ server, client }) => server === 'modern' && client === 'modern',
    run: async (t) => {
      const params = { uri: 'kit://plain' };
      const { response: one } = await t.direct.request('resources/read', params);
      const { response: other } = await t.through.request('resources/read', params);
      t.expect('/ttlMs', one.result?.ttlMs, other.result?.ttlMs);
      t.expect('/cacheScope', one.result?.cacheScope, other.result?.cacheScope);
    },
  },
  {
    group: 'caching',
    name: 'handshake clients see no hints',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const { through } = await t.lists('tools/list');
      const { response } = await t.through.request('resources/read', { uri: 'kit://plain' });
      for (const result of [through.pages[0], response.result ?? {}]) {
        for (const member of ['resultType', 'ttlMs', 'cacheScope'])
          t.demand(`/${member}`, result[member] === undefined, 'absent', result[member]);
      }
    },
  },
];

function demandHints(t, { ttlMs, cacheScope }, direct) {
  const longest = direct.ttlMs ?? Infinity;
  t.demand('/ttlMs', typeof ttlMs === 'number' && ttlMs >= 0 && ttlMs <= longest, `a number up to ${longest}`, ttlMs);
  const scopes = direct.cacheScope === 'private' ? ['private'] : ['public', 'private'];
  t.demand('/cacheScope', scopes.includes(cacheScope), scopes.join(' or '), cacheScope);
}

/** The opening of a conversation. */
export const openingChecks = [
  {
    group: 'opening',
    name: 'the capabilities of the protocol that the server announces are announced',
    run: async (t) => {
      const shared = ['tools', 'prompts', 'resources', 'completions', 'logging'];
      for (const key of shared) {
        const [one, other] = [t.direct.opening.capabilities[key], t.through.opening.capabilities?.[key]];
        t.demand(`/capabilities/${key}`, contains(other, one), one, other);
      }
    },
  },
  {
    group: 'opening',
    name: "a vendor's capabilities and extensions that the server announces are announced",
    run: async (t) => {
      const { experimental, extensions } = t.direct.opening.capabilities;
      t.expect(
        '/capabilities/experimental/kit.test~1vendor',
        experimental['kit.test/vendor'],
        t.through.opening.capabilities?.experimental?.['kit.test/vendor'],
      );
      t.expect(
        '/capabilities/extensions/kit.test~1extension',
        extensions['kit.test/extension'],
        t.through.opening.capabilities?.extensions?.['kit.test/extension'],
      );
    },
  },
  {
    group: 'opening',
    name: "the server's instructions reach the client",
    run: async (t) => {
      const { instructions } = t.through.opening;
      t.demand('/instructions', String(instructions).includes(t.direct.opening.instructions), t.direct.opening.instructions, instructions);
    },
  },
  ...['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].map((revision) => ({
    group: 'opening',
    name: `a client of ${revision} is answered in ${revision}`,
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const client = await t.openThrough({ revision });
      t.expect('/protocolVersion', revision, client.opening.protocolVersion);
      const { response } = await client.call('echo', { nonce: revision });
      t.expect('/result/structuredContent/nonce', revision, response.result?.structuredContent?.nonce);
    },
  })),
  {
    group: 'opening',
    name: 'a ping is answered',
    when: ({ client }) => client === 'handshake',
    run: async (t) => {
      const { response } = await t.through.request('ping');
      t.expect('/result', {}, response.result);
    },
  },
];
