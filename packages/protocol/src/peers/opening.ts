import { GatewayError, isObject, systemClock, type Clock, type Implementation, type Outcome, type Params } from '@signalbox/core';
import { toParams } from '../messages/encode.ts';
import { HANDSHAKE_REVISIONS, META, MODERN_REVISION, isHandshake } from '../revisions/revisions.ts';
import type { ConnectOptions, ServerProfile } from './peer.ts';
import { handshakeDeadline } from './upstream-errors.ts';

/** The server took up the conversation. */
export interface Opened {
  readonly revision: string;
  readonly server: ServerProfile;
}

/** The server answered, but not in a way this generation can go on with. */
export interface Refused {
  readonly refused: string;
  /** Whether it refused the very revision it names as one it speaks: then the same request may be taken the next time. */
  readonly mayBeTaken?: boolean;
}

export interface NegotiateOptions {
  readonly connect: ConnectOptions;
  readonly clock?: Clock;
  /** Asks as a modern client. Rejects only when asking in the other way is of no use either. */
  readonly discover: () => Promise<Opened | Refused>;
  /** Asks as a handshake client. Rejects as `discover` does. */
  readonly initialize: () => Promise<Opened | Refused>;
}

const PROBE_MS = 3_000;
const UNSUPPORTED_REVISION = -32022;

/**
 * Finds out which generation a server speaks. The likelier one is asked first; the other when that one is refused or
 * gets no answer in a short while, and then the first useful answer counts.
 * @throws GatewayError `DEADLINE_EXCEEDED` after `handshakeMs`, `UPSTREAM_PROTOCOL` when the server refuses all ways.
 */
export function negotiate(options: NegotiateOptions): Promise<Opened> {
  const { connect, clock = systemClock } = options;
  const ways = waysOf(options);
  return new Promise((resolve, reject) => {
    const refusals: string[] = [];
    let started = 0;
    let running = 0;
    let stopProbe: (() => void) | undefined;
    const stopDeadline = clock.after(connect.handshakeMs, () => {
      stopProbe?.();
      reject(handshakeDeadline(connect.upstream, connect.handshakeMs));
    });
    const stopTimers = () => {
      stopProbe?.();
      stopDeadline();
    };
    const startNext = () => {
      const way = ways[started++];
      if (way === undefined) return;
      running++;
      if (started < ways.length) stopProbe = clock.after(Math.min(PROBE_MS, connect.handshakeMs / 3), startNext);
      way().then(
        (answer) => {
          running--;
          if (!('refused' in answer)) {
            stopTimers();
            return resolve(answer);
          }
          refusals.push(answer.refused);
          if (started < ways.length) {
            stopProbe?.();
            return startNext();
          }
          if (running > 0) return undefined;
          stopTimers();
          return reject(refusedAll(connect.upstream, refusals));
        },
        (error: unknown) => {
          stopTimers();
          reject(error);
        },
      );
    };
    startNext();
  });
}

/** The params of `initialize`. Without `capabilities` nothing is declared that the server could ask. */
export function initializeParams(client: Implementation, capabilities: ConnectOptions['capabilities'] = {}): Params {
  return toParams({ protocolVersion: HANDSHAKE_REVISIONS[0], capabilities, clientInfo: client });
}

/** Reads the answer to `initialize`. */
export function readInitialize(outcome: Outcome): Opened | Refused {
  if (outcome.kind === 'error') return { refused: `"initialize" was refused with ${outcome.error.code} "${outcome.error.message}"` };
  const result = outcome.result.object ?? {};
  const revision = HANDSHAKE_REVISIONS.find((known) => known === result['protocolVersion']);
  if (revision === undefined) {
    const spoken = JSON.stringify(result['protocolVersion']) ?? 'no revision';
    return { refused: `"initialize" was answered with revision ${spoken}, and we speak ${HANDSHAKE_REVISIONS.join(', ')}` };
  }
  return { revision, server: toProfile(result, result['serverInfo']) };
}

/** Reads the answer to `server/discover`. */
export function readDiscover(outcome: Outcome): Opened | Refused {
  if (outcome.kind === 'error') {
    const { code, message, data } = outcome.error;
    const supported = code === UNSUPPORTED_REVISION && isObject(data) ? data['supported'] : undefined;
    return {
      refused: `"server/discover" was refused with ${code} "${message}"`,
      mayBeTaken: Array.isArray(supported) && supported.includes(MODERN_REVISION),
    };
  }
  const result = outcome.result.object ?? {};
  const versions = result['supportedVersions'];
  if (!Array.isArray(versions) || !versions.includes(MODERN_REVISION)) {
    return {
      refused: `"server/discover" was answered with revisions ${JSON.stringify(versions) ?? 'missing'}, and we speak ${MODERN_REVISION}`,
    };
  }
  const meta = result['_meta'];
  return { revision: MODERN_REVISION, server: toProfile(result, isObject(meta) ? meta[META.serverInfo] : undefined) };
}

function waysOf({ connect, discover: ask, initialize }: NegotiateOptions): readonly (() => Promise<Opened | Refused>)[] {
  // SEP-2575: a client picks one of the revisions the refusal names and asks again; only a modern server refuses so. Asked
  // once more, not for ever.
  const discover = async () => {
    const answer = await ask();
    return 'refused' in answer && answer.mayBeTaken === true ? ask() : answer;
  };
  if (connect.revision === 'modern') return [discover];
  if (connect.revision === 'handshake') return [initialize];
  const spokeHandshake = connect.lastRevision !== undefined && isHandshake(connect.lastRevision);
  return spokeHandshake ? [initialize, discover] : [discover, initialize];
}

function toProfile(result: Readonly<Record<string, unknown>>, info: unknown): ServerProfile {
  const { capabilities, instructions } = result;
  return {
    info: isObject(info) ? { ...info, name: toText(info['name']), version: toText(info['version']) } : { name: '', version: '' },
    capabilities: isObject(capabilities) ? capabilities : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
  };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function refusedAll(upstream: string, refusals: readonly string[]): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `Cannot open upstream "${upstream}": ${refusals.join('; ')}`, {
    data: { upstream, phase: 'handshake', refusals },
  });
}
