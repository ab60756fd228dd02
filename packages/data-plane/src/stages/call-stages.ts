import type { Call, Request, ResolvedCall, Stage } from '@signalbox/core';
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

// Each member by name, because the engine copies an object that is written whole ten times as fast as one that is spread and
// added to, and these copies were most of what the pipeline cost. The type sees to it that none is forgotten.
type Whole<T> = { readonly [Member in keyof Required<T>]: T[Member] };

/** What makes a request a call. */
export type CallParts = Pick<SurfaceCall, 'params' | 'mirrored' | 'id' | 'surface' | 'isFound' | 'priority' | 'deadlineMs'>;

/** A request as a call made at an address. */
export function toSurfaceCall(request: Request, parts: CallParts): SurfaceCall {
  const call: Whole<SurfaceCall> = {
    method: request.method,
    params: parts.params,
    client: request.client,
    principal: request.principal,
    session: request.session,
    ask: request.ask,
    cancellation: request.cancellation,
    emit: request.emit,
    wantsProgress: request.wantsProgress,
    mirrored: parts.mirrored,
    id: parts.id,
    surface: parts.surface,
    isFound: parts.isFound,
    priority: parts.priority,
    deadlineMs: parts.deadlineMs,
  };
  return call;
}

/** A call with what is found out about it. */
export function toObservedCall(call: SurfaceCall, trace: CallTrace): ObservedCall {
  const observed: Whole<ObservedCall> = {
    method: call.method,
    params: call.params,
    client: call.client,
    principal: call.principal,
    session: call.session,
    ask: call.ask,
    cancellation: call.cancellation,
    emit: call.emit,
    wantsProgress: call.wantsProgress,
    mirrored: call.mirrored,
    id: call.id,
    surface: call.surface,
    isFound: call.isFound,
    priority: call.priority,
    deadlineMs: call.deadlineMs,
    trace,
  };
  return observed;
}

/** A call with its target, in the words of whoever is asked. */
export function toTargetedCall(call: ObservedCall, parts: Pick<TargetedCall, 'params' | 'target' | 'fallbacks'>): TargetedCall {
  const targeted: Whole<TargetedCall> = {
    method: call.method,
    params: parts.params,
    client: call.client,
    principal: call.principal,
    session: call.session,
    ask: call.ask,
    cancellation: call.cancellation,
    emit: call.emit,
    wantsProgress: call.wantsProgress,
    mirrored: call.mirrored,
    id: call.id,
    surface: call.surface,
    isFound: call.isFound,
    priority: call.priority,
    deadlineMs: call.deadlineMs,
    trace: call.trace,
    target: parts.target,
    fallbacks: parts.fallbacks,
  };
  return targeted;
}
