import { GatewayError, isObject, type ClientProfile } from '@signalbox/core';

/** What a client can be asked, and the capability by which it says so. */
const CAPABILITY_OF: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

type Capabilities = ClientProfile['capabilities'];

/** Tells whether a client declared anything that a server could ask it for. */
export function canBeAsked(capabilities: Capabilities): boolean {
  return capabilities['elicitation'] !== undefined || capabilities['sampling'] !== undefined || capabilities['roots'] !== undefined;
}

/** What of a client's capabilities is declared to a server on its behalf: what the server may ask it for. */
export function askableCapabilities(capabilities: Capabilities): Capabilities {
  const { sampling, elicitation, roots, experimental } = capabilities;
  return Object.fromEntries(Object.entries({ sampling, elicitation, roots, experimental }).filter(([, value]) => value !== undefined));
}

/**
 * Makes sure that a client takes what a server wants to ask.
 * @throws GatewayError `MISSING_CAPABILITY` naming the capability; `METHOD_NOT_FOUND` for what no client is asked.
 */
export function requireAskable(capabilities: Capabilities, method: string, params: unknown): void {
  const capability = CAPABILITY_OF[method];
  if (capability === undefined)
    throw new GatewayError('METHOD_NOT_FOUND', `Cannot ask a client "${method}": no capability of clients covers it`);
  const declared = capabilities[capability];
  if (!isObject(declared)) throw missing(capability, {}, method);
  if (capability !== 'elicitation') return;
  // A client that declares neither mode means forms, which were there first.
  const mode = isObject(params) && params['mode'] === 'url' ? 'url' : 'form';
  const isDeclared = declared[mode] !== undefined || (mode === 'form' && declared['url'] === undefined);
  if (!isDeclared) throw missing(`elicitation.${mode}`, { [mode]: {} }, method);
}

function missing(name: string, inner: object, method: string): GatewayError {
  const capability = name.split('.')[0]!;
  return new GatewayError('MISSING_CAPABILITY', `Cannot ask this client "${method}": it did not declare the capability "${name}"`, {
    data: { requiredCapabilities: { [capability]: inner } },
  });
}
