import { fileURLToPath } from 'node:url';
import { rpc, type RawSession } from '../../e2e/support/raw-client.ts';
import { eventually } from '../../e2e/support/eventually.ts';

/** An entry for the server that tells what stood in the `_meta` of its calls. */
export const META_SERVER = { command: process.execPath, args: [fileURLToPath(new URL('../servers/meta-server.mjs', import.meta.url))] };

/** A client of a gateway whose tool `meta` is there. */
export async function openMetaClient(url: string): Promise<RawSession> {
  const client = rpc(url).modern();
  await eventually('the tool "meta" is listed', async () => {
    const { result } = await client.request('tools/list');
    const tools = (result?.['tools'] ?? []) as readonly { readonly name: string }[];
    return tools.some(({ name }) => name === 'meta') ? true : undefined;
  });
  return client;
}

/** Calls the tool and returns the `_meta` that reached its server. */
export async function callMeta(client: RawSession, meta: object = {}): Promise<Record<string, unknown> | null> {
  const { result, error } = await client.request('tools/call', { name: 'meta', arguments: {}, _meta: meta });
  if (error !== undefined) throw new Error(error.message);
  return JSON.parse((result!['content'] as readonly { readonly text: string }[])[0]!.text) as Record<string, unknown> | null;
}

/** Makes calls, several at a time, and returns how many failed. */
export async function load(
  client: RawSession,
  { calls, concurrency = 16 }: { readonly calls: number; readonly concurrency?: number },
): Promise<number> {
  let left = calls;
  let failed = 0;
  const run = async (): Promise<void> => {
    while (left-- > 0) await callMeta(client).catch(() => failed++);
  };
  await Promise.all(Array.from({ length: concurrency }, run));
  return failed;
}
