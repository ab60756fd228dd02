import { basename } from 'node:path';

interface ClientEntry {
  readonly name?: string;
  readonly command?: unknown;
  readonly args?: unknown;
  readonly url?: unknown;
}

/** Whether an entry of a client points at Signalbox: starts it, names its address, directly or through a bridge, or names one it once had. */
export function isSignalboxEntry(entry: ClientEntry, gatewayUrl: string): boolean {
  const args: readonly unknown[] = Array.isArray(entry.args) ? entry.args : [];
  const words = [entry.command, ...args, entry.url].filter((word) => typeof word === 'string');
  if (words.some((word) => isSameAddress(word, gatewayUrl))) return true;
  if (entry.name === 'signalbox' && words.some((word) => normalAddress(word)?.includes('//loopback:') === true)) return true;
  return typeof entry.command === 'string' && words.slice(0, 4).some(isProgram) && words.includes('stdio');
}

// Also `signalbox@1.2.0`, as package runners take it, and both kinds of path.
function isProgram(word: string): boolean {
  return /^signalbox(@[\w.^~-]+|\.c?m?js|\.cmd|\.exe)?$/i.test(basename(word.replaceAll('\\', '/')));
}

function isSameAddress(left: string, right: string): boolean {
  const [leftAddress, rightAddress] = [normalAddress(left), normalAddress(right)];
  return leftAddress !== undefined && leftAddress === rightAddress;
}

function normalAddress(text: string): string | undefined {
  if (!/^(?:https?|wss?):/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const scheme = url.protocol.replace('ws', 'http');
  // Where we serve clients of the older transport, beside the address of MCP.
  const path = url.pathname.replace(/\/+$/, '').replace(/\/sse$/, '/mcp');
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\]|0\.0\.0\.0)$/.test(url.hostname);
  return `${scheme}//${isLoopback ? 'loopback' : url.hostname}:${url.port}${path}`;
}
