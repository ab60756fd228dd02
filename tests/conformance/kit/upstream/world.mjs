import { code, lists, RpcError } from '../wire/protocol.mjs';
import { createJournal } from './journal.mjs';
import { promptTable } from './prompts.mjs';
import { resources, templates } from './resources.mjs';
import { toolTable } from './tools/table.mjs';

/** The cursor that leads to the second, third and fourth page. An empty one is legal and means what any other means. */
const cursors = ['', 'page three/?&=%+ü', '\u{1f4c4} 4'];

/** What lists and readings say of their use in caches: odd values that nobody would make up. */
export const cacheHints = {
  'tools/list': { ttlMs: 61_007, cacheScope: 'public' },
  'prompts/list': { ttlMs: 62_007, cacheScope: 'private' },
  'resources/list': { ttlMs: 63_007, cacheScope: 'public' },
  'resources/templates/list': { ttlMs: 64_007, cacheScope: 'public' },
  'resources/read': { ttlMs: 65_007, cacheScope: 'public' },
  'server/discover': { ttlMs: 66_007, cacheScope: 'public' },
};

/**
 * What the conversations of one server share: what it offers, what it has seen, and who hears of changes.
 * @param {{ name: string, restart: () => void }} options `name` stands in front of every name it offers.
 */
export function createWorld({ name, restart }) {
  const listeners = new Set();
  const added = { tools: false, prompts: false, resources: false };
  const world = {
    name,
    info: { name: `transparency-kit-${name}`, version: '1.0.0', title: 'The upstream of the transparency kit', 'kit.test/vendor': [1] },
    instructions: `Instructions of ${name}: 中文, "quotes", \u{1f680}`,
    journal: createJournal(),
    restart,
    hints: cacheHints,
    findTool: (full, generation) => find(toolTable, full, 'tool', generation),
    findPrompt: (full) => find(promptTable, full, 'prompt'),

    /** One page of a list; all lists come in four. */
    list(method, params, generation) {
      const all = itemsOf(method, generation);
      const size = Math.ceil(all.length / (cursors.length + 1));
      const page = params?.cursor === undefined ? 0 : cursors.indexOf(params.cursor) + 1;
      if (params?.cursor !== undefined && page === 0) throw new RpcError(code.invalidParams, 'The cursor is not one of ours');
      return {
        [lists[method].member]: all.slice(page * size, (page + 1) * size),
        nextCursor: cursors[page],
        _meta: { 'kit.test/list': `${method} ${page}` },
        'kit.test/unknown': { of: method, page },
      };
    },

    /** Adds an item to a list, or takes it away again, and tells whoever listens. */
    change(kind) {
      added[kind] = !added[kind];
      world.announce({ method: `notifications/${kind}/list_changed`, params: { _meta: { 'kit.test/changed': kind } } });
    },

    announce(notification) {
      for (const listener of listeners) listener(notification);
    },

    /** Returns the function that stops it. */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return world;

  function itemsOf(method, generation) {
    switch (method) {
      case 'tools/list':
        return named(toolTable, generation, added.tools && { name: 'added', inputSchema: { type: 'object' } });
      case 'prompts/list':
        return named(promptTable, generation, added.prompts && { name: 'added' });
      case 'resources/list':
        return [...resources(name), ...(added.resources ? [{ uri: `${name}://added`, name: 'added' }] : [])];
      default:
        return templates(name);
    }
  }

  function named(table, generation, extra) {
    const items = table.filter((item) => item.only === undefined || item.only === generation);
    return [...items.map(({ listed }) => listed), ...(extra ? [extra] : [])].map((listed) => ({
      ...listed,
      name: `${name}_${listed.name}`,
    }));
  }

  function find(table, full, noun, generation) {
    const found = table.find((item) => `${name}_${item.listed.name}` === full && (item.only === undefined || item.only === generation));
    if (found === undefined) throw new RpcError(code.invalidParams, `Unknown ${noun} "${full}"`, { [noun]: full });
    return found;
  }
}
