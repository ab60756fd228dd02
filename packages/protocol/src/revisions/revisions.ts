/** The stateless revision, which is also our inner form. */
export const MODERN_REVISION = '2026-07-28';

/** Revisions that open with `initialize`, newest first. */
export const HANDSHAKE_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
export type HandshakeRevision = (typeof HANDSHAKE_REVISIONS)[number];

/** All revisions we speak, newest first. */
export const REVISIONS: readonly string[] = [MODERN_REVISION, ...HANDSHAKE_REVISIONS];

/** The revision to speak with a client that asked for `requested`: its own if we know it, otherwise our newest of that generation. */
export function negotiateHandshake(requested: unknown): HandshakeRevision {
  return HANDSHAKE_REVISIONS.find((revision) => revision === requested) ?? HANDSHAKE_REVISIONS[0];
}

/** Tells whether a revision opens with `initialize`. */
export function isHandshake(revision: string): boolean {
  return revision !== MODERN_REVISION;
}

/** Tells whether clients of a revision know content blocks that link to a resource. */
export function knowsResourceLinks(revision: string): boolean {
  // Revisions are dates.
  return revision >= HANDSHAKE_REVISIONS[1];
}

const PREFIX = 'io.modelcontextprotocol/';

/** Keys of `_meta` that the modern revision defines. */
export const META = {
  protocolVersion: `${PREFIX}protocolVersion`,
  clientInfo: `${PREFIX}clientInfo`,
  clientCapabilities: `${PREFIX}clientCapabilities`,
  serverInfo: `${PREFIX}serverInfo`,
  logLevel: `${PREFIX}logLevel`,
  subscriptionId: `${PREFIX}subscriptionId`,
} as const;

/** Members of results that only the modern revision knows. */
export const MODERN_MEMBERS: ReadonlySet<string> = new Set(['resultType', 'ttlMs', 'cacheScope']);

/** Which member of the params the `Mcp-Name` header repeats, by method. */
export const NAMED_METHODS: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);
