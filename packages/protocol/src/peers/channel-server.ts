import {
  GatewayError,
  LOCAL_PRINCIPAL,
  RawJson,
  toGatewayError,
  toOutcome,
  type Answer,
  type Clock,
  type Logger,
  type Outcome,
  type Seal,
} from '@signalbox/core';
import { encodeError, encodeNotification, encodeOutcome } from '../messages/encode.ts';
import { readMember } from '../messages/members.ts';
import {
  decodeStrict,
  readableId,
  type DecodeLimits,
  type Message,
  type NotificationMessage,
  type RequestId,
  type RequestMessage,
} from '../messages/message.ts';
import { HANDSHAKE_REVISIONS } from '../revisions/revisions.ts';
import type { Channel } from '../transports/channel.ts';
import { ModernRequests, claimedRevision, isModernClaim, readSpeaker } from './modern-requests.ts';
import { PeerContext } from './peer-context.ts';
import type { RequestHandler } from './peer.ts';
import { PendingRequests } from './pending-requests.ts';
import type { Reply } from './reply.ts';
import { ServerSession, readInitializingClient, reasonOf } from './server-session.ts';

const MAX_SUBSCRIPTIONS = 1024;

export interface ChannelServerOptions {
  readonly handler: RequestHandler;
  readonly seal: Seal;
  /** Who the client is. Default: whoever is on this machine. */
  readonly principal?: string;
  readonly limits: DecodeLimits;
  /** Longest wait for the client's answer to what a server asks it, in milliseconds. Default 10 minutes. */
  readonly inputMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A client served over a channel. */
export interface ChannelServer {
  /** Resolves with the reason once the channel is closed, whoever closed it. Never rejects. */
  readonly closed: Promise<string>;
  /** Ends subscriptions in good order, cancels what is in flight and closes the channel. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves the one client at the other end of a channel in whichever generation it speaks, message by message.
 * Owns the channel from here on.
 */
export function serveChannel(channel: Channel, options: ChannelServerOptions): ChannelServer {
  const context = new PeerContext(options);
  const pending = new PendingRequests();
  const modern = new ModernRequests(context, { maxSubscriptions: MAX_SUBSCRIPTIONS });
  let session: ServerSession | undefined;
  let sessions = 0;

  const request = (message: RequestMessage) => {
    const reply = new ChannelReply(channel, message.id);
    try {
      if (isModernClaim(claimedRevision(message.params.get('_meta')?.object)))
        modern.request(message, { reply, principal: options.principal, ...pending.begin(message.id, reply) });
      else if (message.method === 'initialize') {
        const next = new ServerSession(context, readInitializingClient(message), {
          id: `channel-${++sessions}`,
          pending,
          ...(options.principal !== undefined && { principal: options.principal }),
          outlet: (frame) => {
            if (frame.length > 0) channel.send(frame);
            return true;
          },
        });
        session?.close('The client began a new session');
        session = next;
        reply.answer(next.welcome);
      } else if (session !== undefined) session.request(message, reply);
      else if (message.method === 'ping') reply.answer(PONG);
      else throw new GatewayError('INVALID_REQUEST', `Cannot serve "${message.method}" before "initialize"`);
    } catch (error) {
      reply.refuse(toGatewayError(error));
    }
  };

  const notify = (message: NotificationMessage) => {
    if (message.method === 'notifications/cancelled') {
      const id = message.params && readMember(message.params, 'requestId');
      if (id !== undefined) pending.cancel(id, reasonOf(message));
    } else if (session !== undefined) session.receive(message);
    else if (message.method !== 'notifications/initialized')
      context.notify(message, { client: readSpeaker(message), principal: options.principal ?? LOCAL_PRINCIPAL });
  };

  const unwatch = options.handler.watch((notification, except) => {
    modern.offer(notification);
    if (session?.wants(notification) && except?.has(session) !== true)
      channel.send(encodeNotification(notification.method, notification.params));
  });

  let resolveClosed: (reason: string) => void;
  const closed = new Promise<string>((resolve) => (resolveClosed = resolve));
  channel.onMessage = (bytes) => {
    let message: Message;
    try {
      message = decodeStrict(bytes, options.limits);
    } catch (error) {
      return channel.send(encodeError(readableId(bytes), toGatewayError(error).toRpc()));
    }
    if (message.kind === 'request') request(message);
    else if (message.kind === 'notification') notify(message);
    else session?.answer(message);
  };
  channel.onClose = (reason) => {
    unwatch();
    pending.cancelAll(reason);
    modern.endHeld(reason);
    session?.close(reason);
    resolveClosed(reason);
  };
  return {
    closed,
    close: async () => {
      modern.close();
      await channel.close();
    },
  };
}

const PONG: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({}),
  resultType: 'complete',
  isError: false,
  revision: HANDSHAKE_REVISIONS[0],
};

class ChannelReply implements Reply {
  readonly takesNotifications = true;
  readonly #channel: Channel;
  readonly #id: RequestId;
  #isOver = false;

  constructor(channel: Channel, id: RequestId) {
    this.#channel = channel;
    this.#id = id;
  }

  notify(message: Buffer): boolean {
    if (this.#isOver) return false;
    this.#channel.send(message);
    return true;
  }

  answer(answer: Answer): void {
    this.#end(() => encodeOutcome(this.#id, toOutcome(answer)));
  }

  refuse(error: GatewayError): void {
    this.#end(() => encodeError(this.#id, error.toRpc()));
  }

  drop(): void {
    this.#isOver = true;
  }

  #end(encode: () => Buffer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#channel.send(encode());
  }
}
