import type { Call, CallStep, Detour, ResolvedCall, Stage, TraceContext } from '@signalbox/core';
import type { OutgoingRequest } from '@signalbox/protocol';
import type { Surface } from '../catalog/surface.ts';
import type { TaskRef } from '../tasks/task-ids.ts';

/** What the stages find out about a call on its way, for its record. The one thing on a call that changes. */
export interface CallTrace {
  upstream: string | undefined;
  name: string | undefined;
  /** The name the upstream knows. */
  upstreamName: string | undefined;
  attempts: number;
  /** On the monotonic clock, of the first attempt; 0 when there was none. */
  sentAtMs: number;
  queuedMs: number;
  upstreamMs: number;
  /** Whether a request may have left for an upstream. While it is false, nothing can have run. */
  isSent: boolean;
  /** Absent while the first attempt is the only one, and nothing had failed before it. */
  detour: Detour | undefined;
  /** Absent where nobody wants to know, and for the first call of a conversation. */
  step: CallStep | undefined;
  isCached: boolean;
  /** Whether the person at the client has let it be made. */
  isApproved: boolean;
  cacheTier: string | undefined;
  /** Absent while calls are not traced. */
  context: TraceContext | undefined;
}

/** A call made at an address of ours, in the names that are shown there. */
export interface SurfaceCall extends Call {
  readonly surface: Surface;
  /** Whether its tool was named to `call_tool`: found rather than listed. */
  readonly isFound: boolean;
  /** Whether it is a notification, which has no answer. Its outcome tells that it was sent. */
  readonly isNotification: boolean;
  /** Whether nobody has asked for it: it is made to have its answer at hand. */
  readonly isAhead: boolean;
}

/** A call that is being recorded. */
export interface ObservedCall extends SurfaceCall {
  readonly trace: CallTrace;
}

/** A recorded call with its target. */
export interface TargetedCall extends ObservedCall, ResolvedCall, Pick<OutgoingRequest, 'offersTask' | 'taskEnd'> {
  /** The task a request is about, and the id its owner knows it by. */
  readonly task?: { readonly ref: TaskRef; readonly publicId: string } | undefined;
}

/**
 * A call with every member it can have, so that a copy that forgets one does not compile. Copies that add to a call are
 * written out: for objects of that size a spread with more members costs 2 to 6 µs, a third of all stages together.
 */
export type Whole<Kind extends Call> = { readonly [Member in keyof Required<Kind>]: Kind[Member] };

/** A stage around a call whose target is known. */
export type TargetedStage = Stage<TargetedCall>;
