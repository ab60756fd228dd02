/** The words of the protocol that both sides of the kit use. */

export const handshakeRevisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
export const modernRevision = '2026-07-28';

const reserved = 'io.modelcontextprotocol/';
export const metaKey = {
  protocolVersion: `${reserved}protocolVersion`,
  clientInfo: `${reserved}clientInfo`,
  clientCapabilities: `${reserved}clientCapabilities`,
  serverInfo: `${reserved}serverInfo`,
  logLevel: `${reserved}logLevel`,
  subscriptionId: `${reserved}subscriptionId`,
  relatedTask: `${reserved}related-task`,
};
export const tasksExtension = `${reserved}tasks`;

export const code = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  resourceNotFound: -32002,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  urlElicitationRequired: -32042,
};

export const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Which capability of the client a request to it needs. */
export const capabilityOf = { 'sampling/createMessage': 'sampling', 'elicitation/create': 'elicitation', 'roots/list': 'roots' };

/** The member of the params that the `Mcp-Name` header repeats. */
export const nameMember = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** The lists, by method: the member that holds their items, and what names an item. */
export const lists = {
  'tools/list': { member: 'tools', key: 'name' },
  'prompts/list': { member: 'prompts', key: 'name' },
  'resources/list': { member: 'resources', key: 'uri' },
  'resources/templates/list': { member: 'resourceTemplates', key: 'uriTemplate' },
};

/** An error that is answered as a JSON-RPC error. */
export class RpcError extends Error {
  /**
   * @param {number} number
   * @param {string} message
   * @param {unknown} [data]
   */
  constructor(number, message, data) {
    super(message);
    this.name = 'RpcError';
    this.code = number;
    this.data = data;
  }
}

/** The answer to a request that failed. */
export function toErrorMessage(id, error) {
  const known = error instanceof RpcError ? error : new RpcError(code.internal, String(error?.message ?? error));
  return { jsonrpc: '2.0', id, error: { code: known.code, message: known.message, data: known.data } };
}

/** A value as it may stand in a header: as it is, or in Base64 where it has other than visible ASCII. */
export function toHeaderValue(value) {
  const text = String(value);
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?');
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

/** The value a header stands for. */
export function fromHeaderValue(value) {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value ?? '')?.[1];
  return encoded === undefined ? value : Buffer.from(encoded, 'base64').toString();
}
