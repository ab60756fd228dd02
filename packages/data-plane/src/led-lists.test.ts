import { expect, test, vi } from 'vitest';
import type { DocumentStore } from '@signalbox/core';
import { createMemoryDocuments } from '@signalbox/storage';
import { createMemoryGateway, createScriptedServer, resultOf, type ScriptedTool } from './testing/memory-gateway.ts';
import type { LeadDocuments } from './upstreams/led-documents.ts';

const tool = (name: string): ScriptedTool => ({ name, run: () => resultOf({ content: [] }) });
const CHANGED = 'notifications/tools/list_changed';

/** Two processes that serve one port, each with a server of its own: one decides what is listed, the other follows. */
async function startBoth() {
  const store = createMemoryDocuments();
  const written = new Map<string, unknown>();
  const listeners = new Set<(key: string, document: unknown) => void>();
  const documents: DocumentStore = {
    read: (key) => store.read(key),
    remove: (key) => store.remove(key),
    write: (key, document) => {
      written.set(key, document);
      for (const listener of listeners) listener(key, document);
      return store.write(key, document);
    },
  };
  const servers = { first: createScriptedServer([tool('search')]), second: createScriptedServer([tool('search')]) };
  const first = await createMemoryGateway({ servers: { notes: servers.first }, documents });
  const lead: LeadDocuments = {
    watch: (listener) => {
      listeners.add(listener);
      for (const [key, document] of written) listener(key, document);
      return () => listeners.delete(listener);
    },
    listChanged: (upstream, method) => first.supervisor.listChanged(upstream, method),
  };
  await first.list('tools/list');
  const second = await createMemoryGateway({ servers: { notes: servers.second }, lead });
  await second.list('tools/list');
  for (const { notifications } of [first, second]) notifications.length = 0;
  const close = async () => {
    await second.close();
    await first.close();
  };
  return { first, second, servers, [Symbol.asyncDispose]: close };
}

test('a process that follows lists what the other one does, whatever its own server offers', async () => {
  await using both = await startBoth();
  const { first, second, servers } = both;
  servers.second.tools = [tool('search'), tool('own')];
  servers.second.emit(CHANGED);
  servers.first.tools = [tool('search'), tool('added')];
  servers.first.emit(CHANGED);

  await vi.waitFor(() => expect(second.notifications).toEqual([CHANGED]));
  expect(first.notifications).toEqual([CHANGED]);
  for (const gateway of [first, second]) expect(await gateway.list('tools/list')).toEqual(['search', 'added']);
});

test('when only the server of the one that follows says that its list has changed, the other looks again and both tell', async () => {
  await using both = await startBoth();
  const { first, second, servers } = both;
  for (const server of [servers.first, servers.second]) server.tools = [tool('search'), tool('added')];
  servers.second.emit(CHANGED);

  await vi.waitFor(() => expect(second.notifications).toEqual([CHANGED]));
  expect(first.notifications).toEqual([CHANGED]);
  for (const gateway of [first, second]) expect(await gateway.list('tools/list')).toEqual(['search', 'added']);
});
