import type { Record as CallRecord } from '@signalbox/core';
import { assignArm, unitOf, type ExperimentKind, type RunningExperiment } from '@signalbox/learning';
import type { KeyedHash } from './keyed-hash.ts';

/** Who is told apart by experiments. */
export interface Conversation extends Pick<CallRecord, 'principal' | 'client'> {
  readonly session: string | undefined;
}

export interface Arm {
  readonly isCandidate: boolean;
  readonly experiment: RunningExperiment;
}

/** What holds a conversation together, as a keyed hash. */
export function conversationOf(hash: KeyedHash, { session, principal, client }: Conversation): string {
  return hash.text(session ?? `${principal}\n${client ?? ''}`);
}

const NONE: readonly string[] = [];

/** Which part of which experiment a conversation belongs to. */
export class Arms {
  #running: readonly RunningExperiment[] = [];

  set(running: readonly RunningExperiment[]): void {
    this.#running = running;
  }

  has(kind: ExperimentKind): boolean {
    return this.#running.some((each) => each.kind === kind);
  }

  /** As facts name them: `experiment=arm`. */
  of(conversation: string, atMs: number): readonly string[] {
    if (this.#running.length === 0) return NONE;
    return this.#running.map((experiment) => `${experiment.trial}=${armOf(experiment, conversation, atMs)}`);
  }

  /** The arm in the one experiment of a kind; `undefined` while there is none. */
  find(kind: ExperimentKind, conversation: string, atMs: number): Arm | undefined {
    const experiment = this.#running.find((each) => each.kind === kind);
    return experiment && { experiment, isCandidate: armOf(experiment, conversation, atMs) === 'candidate' };
  }
}

function armOf({ trial, share }: RunningExperiment, conversation: string, atMs: number): 'control' | 'candidate' {
  return assignArm({ experiment: trial, unit: unitOf(conversation, atMs), share });
}
