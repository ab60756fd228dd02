const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(4);

/** Calls the echo tool under its public name and checks the answer. */
export async function callEcho(client, name = 'echo') {
  if ((await client.call(name, { text: TEXT })) !== TEXT) throw new Error('The echo was wrong');
}

/** Returns a call that has the upstream send so many KiB and checks their length. */
export function callBig(kib) {
  return async (client) => {
    const { length } = await client.call('big', { kib });
    if (length !== kib * 1024) throw new Error(`The text has ${length} characters`);
  };
}

/** Lists the tools and checks their number. */
export async function listTools(client, count) {
  const { tools, nextCursor } = await client.request('tools/list');
  if (tools.length !== count || nextCursor !== undefined) throw new Error(`${tools.length} tools came back, not ${count}`);
}
