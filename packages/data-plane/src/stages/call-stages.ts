import type { Call, ResolvedCall, Stage } from '@signalbox/core';
import type { Surface } from '../catalog/surface.ts';

/** What the stages find out about a call on its way, for its record. The one thing on a call that changes. */
export interface CallTrace {
  upstream: string | undefined;
  name: string | undefined;
  attempts: number;
  isCached: boolean;
}

/** A call made at an address of ours, in the names that are shown there. */
export interface SurfaceCall extends Call {
  readonly surface: Surface;
  /** Whether its tool was named to `call_tool`: found rather than listed. */
  readonly isFound: boolean;
}

/** A call that is being recorded. */
export interface ObservedCall extends SurfaceCall {
  readonly trace: CallTrace;
}

/** A recorded call with its target. */
export interface TargetedCall extends ObservedCall, ResolvedCall {}

/** A stage around a call whose target is known. */
export type TargetedStage = Stage<TargetedCall>;
