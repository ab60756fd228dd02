import { randomUUID } from 'node:crypto';
import { openHandshake } from './client/handshake.mjs';
import { openModern } from './client/modern.mjs';
import { absent, findDifferences } from './compare/differences.mjs';
import { toRecord, translateRecord, viewRecord } from './compare/record.mjs';
import { lists } from './wire/protocol.mjs';
import { isSameJson } from './wire/json.mjs';

const open = { handshake: openHandshake, modern: openModern };
const maxPages = 20;

/**
 * @typedef {{
 *   client: 'modern' | 'handshake', server: 'modern' | 'handshake', transport: string, url: string, aloneUrl?: string, directUrl: string,
 *   prefix: string, budgetMs?: number,
 * }} Cell One quadrant over one transport: a client's generation through the gateway, and the server's behind it. `aloneUrl` is where
 *   the gateway has the first server alone, absent where it has no other; `prefix` what it puts in front of names; `budgetMs` how
 *   long it lets a call to the second server take.
 */

/** What a client says that can be asked nothing: nothing keeps a gateway from letting it share a server with others. */
export const plain = { capabilities: {} };

/**
 * The clients of one cell that its checks share: one that asks the server itself in its own generation, and three through the
 * gateway. Of these `through` can be asked everything, so what it calls may run on a server of its own; `plain` can be asked
 * nothing, and whatever concerns another call or client is done with it, and with clients like it; `alone` is where the gateway has
 * no other server.
 * @param {Cell} cell
 */
export async function openPair(cell) {
  const clients = [];
  const add = async (generation, { url, prefix, ...own }) => {
    const client = wrap(await open[generation]({ url, ...own }), prefix);
    clients.push(client);
    return client;
  };
  const close = () => Promise.all(clients.map((client) => client.close()));
  const { url, aloneUrl, prefix } = cell;
  try {
    const direct = await add(cell.server, { url: cell.directUrl, prefix: '', knowsTasks: true });
    const through = await add(cell.client, { url, prefix, knowsTasks: true });
    const alone = aloneUrl === undefined ? through : await add(cell.client, { url: aloneUrl, prefix, knowsTasks: true });
    return { direct, through, plain: await add(cell.client, { url, prefix, ...plain }), alone, lists: {}, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What one check works with. Differences are collected; a check passes when there are none.
 * @param {{ cell: Cell, pair: any, options: { calls: number, patienceMs: number } }} given
 */
export function createTrial({ cell, pair, options }) {
  const differences = [];
  const opened = [];
  let skipped;
  const trial = {
    cell,
    options,
    isSameEra: cell.client === cell.server,
    direct: pair.direct,
    through: pair.through,
    alone: pair.alone,
    plain: pair.plain,
    differences,
    nonce: (word = 'n') => `${word}-${randomUUID().slice(0, 8)}`,

    /** Says why a check cannot be made here; a skipped check neither passes nor fails. */
    skip: (reason) => void (skipped = reason),
    get skipped() {
      return skipped;
    },

    /** Records a difference unless the two are the same. */
    expect(pointer, direct, through) {
      differences.push(...findDifferences(direct, through, pointer));
    },

    /** Records a difference when something is not as the protocol wants it. */
    demand(pointer, isMet, wanted, found = absent) {
      if (!isMet) differences.push({ pointer, direct: wanted, through: found });
    },

    /**
     * Makes a request on both sides and compares everything that comes back; params may depend on the side, for its names.
     * `through` is another client than the shared one.
     */
    async compare(method, params, { through = pair.through, ...given } = {}) {
      const on = (side) => side.request(method, typeof params === 'function' ? params(side) : params, given);
      return trial.compareExchanges(method, { direct: await on(pair.direct), through: await on(through), sentId: given.id });
    },

    /** A whole list on both sides, asked for once in a cell. */
    async lists(method) {
      const both = async () => ({ direct: await pair.direct.list(method), through: await pair.through.list(method) });
      return (pair.lists[method] ??= both());
    },

    /** Calls a tool on both sides and compares everything that comes back. */
    async compareCall(tool, args, given = {}) {
      return trial.compareExchanges('tools/call', {
        direct: await pair.direct.call(tool, args, given),
        through: await pair.through.call(tool, args, given),
        sentId: given.id,
      });
    },

    compareExchanges(method, { direct, through, sentId }) {
      const eras = { method, server: cell.server, client: cell.client };
      const expected = translateRecord(toRecord(direct, { sentId }), eras);
      trial.expect('', expected, viewRecord(toRecord(through, { sentId }), eras));
      return { direct, through };
    },

    /** A client through the gateway beside the shared one; closed with the check. */
    async openThrough(own = {}) {
      const client = wrap(await open[own.generation ?? cell.client]({ url: cell.url, ...own }), cell.prefix);
      opened.push(client);
      return client;
    },

    async openDirect(own = {}) {
      const client = wrap(await open[cell.server]({ url: cell.directUrl, ...own }), '');
      opened.push(client);
      return client;
    },

    /** What the server behind the gateway saw of a nonce. One that `side` has for itself saw only what it called. */
    async journal(nonce, side = pair.plain) {
      const { response } = await side.call('journal', { about: nonce });
      return response.result?.structuredContent ?? { call: null, notifications: [], total: 0 };
    },

    /** Waits until the server behind the gateway has seen what is wanted; resolves to what it saw last. */
    async waitForJournal(nonce, wanted, { side = pair.plain, timeoutMs = 3000 } = {}) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const seen = await trial.journal(nonce, side);
        if (wanted(seen) || Date.now() > deadline) return seen;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },

    close: () => Promise.all(opened.map((client) => client.close())),
  };
  return trial;
}

function wrap(client, prefix) {
  const world = 'kit';
  return {
    ...client,
    /** The full name of a tool or prompt, as this side knows it. */
    nameOf: (name) => `${prefix}${world}_${name}`,
    uriOf: (rest) => `${world}://${rest}`,
    call: (tool, args = {}, { params, ...given } = {}) =>
      client.request('tools/call', { name: `${prefix}${world}_${tool}`, arguments: args, ...params }, given),

    /** All pages of a list: its items under their own names, and the pages as they came. */
    async list(method) {
      const { member, key } = lists[method];
      const pages = [];
      let cursor;
      do {
        const { response } = await client.request(method, cursor === undefined ? {} : { cursor });
        if (response.result === undefined) throw new Error(`${method} was refused: ${JSON.stringify(response.error)}`);
        pages.push(response.result);
        cursor = response.result.nextCursor;
      } while (cursor !== undefined && pages.length < maxPages);
      const own = (item) =>
        prefix !== '' && key === 'name' && item.name?.startsWith(prefix) ? { ...item, name: item.name.slice(prefix.length) } : item;
      const items = pages.flatMap((page) => page[member] ?? []).map(own);
      // A second server may stand beside the kit's first, for the checks that need two.
      return { pages, items: items.filter((item) => !/^(second_|(ui:..)?second[:/])/.test(item[key] ?? '')) };
    },
  };
}

/** Whether one value contains another: every member and element of it, at its place. */
export function contains(whole, part) {
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((each, index) => contains(whole[index], each));
  if (typeof part !== 'object' || part === null) return isSameJson(whole, part);
  return typeof whole === 'object' && whole !== null && Object.entries(part).every(([key, value]) => contains(whole[key], value));
}

/** Whether the gateway of a cell has several servers, and the first one alone elsewhere. */
export const hasSeveral = ({ aloneUrl }) => aloneUrl !== undefined;
