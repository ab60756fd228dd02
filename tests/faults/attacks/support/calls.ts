// Requests as bytes: the same good call, with whatever a test wants to be wrong about it.

export const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';

/** What a modern client says of itself in each request. */
export const META_MEMBERS = { [`${META}protocolVersion`]: MODERN, [`${META}clientCapabilities`]: {} };

/** The text of a modern call of `echo`, or of another tool. */
export function callText(id: unknown, args: unknown, name = 'echo'): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, _meta: META_MEMBERS } });
}

/** The headers every modern call of `echo` needs, one a line. */
export function callHeaders(url: string, name = 'echo'): string[] {
  return [
    `Host: ${new URL(url).host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `MCP-Protocol-Version: ${MODERN}`,
    'Mcp-Method: tools/call',
    `Mcp-Name: ${name}`,
  ];
}

/** One request as bytes; text is Latin-1, so that any byte can be written. */
export function toRequest(line: string, headers: readonly string[], body: string): Buffer {
  return Buffer.from(`${line}\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`, 'latin1');
}
