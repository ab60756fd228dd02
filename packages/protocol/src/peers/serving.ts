import type { Ask, CallerSession, Cancellation, ClientProfile, RawJson, Request } from '@signalbox/core';
import type { Reply } from './reply.ts';

/** Who asks, and what ends the asking. */
export interface Serving {
  readonly client: ClientProfile;
  readonly principal?: string | undefined;
  readonly session?: CallerSession;
  readonly ask?: Ask | undefined;
  readonly cancellation: Cancellation;
  readonly reply: Reply;
  readonly mirrored?: Request['mirrored'];
  /** The client's own progress token at present, where a call outlives the request that brought it. */
  readonly progressToken?: () => RawJson | undefined;
  /** Called before the reply ends, unless the request was cancelled. */
  readonly done?: () => void;
}
