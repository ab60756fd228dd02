import { GatewayError, WireWriter } from '@signalbox/core';
import type { Anomaly, AnomalyKind, Verdict } from '../behaviour/anomaly.ts';
import { toAnomalyTopic, type BehaviourModel } from '../behaviour/behaviour-model.ts';
import { writeInteraction } from '../codec/interaction-codec.ts';
import type { AllModels } from './all-models.ts';
import type { Learner } from './learner.ts';

export interface AnomalyQuestion {
  readonly sinceMs?: number | undefined;
  readonly upstream?: string | undefined;
  readonly kind?: AnomalyKind | undefined;
  readonly limit: number;
}

export interface AnomalyAnswer {
  /** Newest first. */
  readonly anomalies: readonly Anomaly[];
  /** Times that something was not told because enough was told on that day. */
  readonly heldBack: number;
}

export interface AnomalyOpinion {
  readonly id: string;
  readonly verdict: Verdict;
  readonly atMs: number;
}

/** @throws GatewayError `NOT_FOUND` when nobody looks for what is abnormal. */
export function behaviourOf({ models }: Learner<AllModels>): BehaviourModel {
  if (models.behaviour === undefined)
    throw new GatewayError('NOT_FOUND', 'Nobody looks for what is abnormal: "learning.anomalies.enabled" is false in the configuration');
  return models.behaviour;
}

export function readAnomalies(behaviour: BehaviourModel, { sinceMs = 0, upstream, kind, limit }: AnomalyQuestion): AnomalyAnswer {
  const isWanted = (anomaly: Anomaly) =>
    anomaly.lastMs >= sinceMs && (upstream === undefined || anomaly.upstream === upstream) && (kind === undefined || anomaly.kind === kind);
  return { anomalies: behaviour.list().filter(isWanted).slice(0, limit), heldBack: behaviour.heldBack };
}

/**
 * Learns an opinion as one more fact, so that a replay knows it and whoever is forgotten takes it along.
 * @throws GatewayError `UNKNOWN_NAME` for no anomaly; `CONFLICT` while nothing is learned.
 */
export function takeOpinion(learner: Learner<AllModels>, { id, verdict, atMs }: AnomalyOpinion): Anomaly {
  const behaviour = behaviourOf(learner);
  const anomaly = behaviour.find(id);
  if (anomaly === undefined)
    throw new GatewayError('UNKNOWN_NAME', `There is no anomaly "${id}"; "signalbox learn anomalies" lists those there are`);
  if (learner.isFrozen)
    throw new GatewayError('CONFLICT', 'Cannot take an opinion while learning is frozen; "signalbox learn freeze --undo" goes on');
  const { tenant, principal, upstream, tool } = anomaly;
  const writer = new WireWriter();
  writeInteraction(writer, {
    kind: 'feedback',
    sequence: 0,
    atMs,
    tenant,
    principal,
    session: '',
    client: '',
    policyVersion: 0,
    arms: [],
    upstream,
    tool,
    verdict: verdict === 'useful' ? 1 : -1,
    need: [],
    anomaly: toAnomalyTopic(anomaly),
  });
  learner.observe(writer.written);
  return behaviour.find(id) ?? anomaly;
}
