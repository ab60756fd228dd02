import type { Role } from '@signalbox/core';
import type { AnomalyBody, AnomalyFeedbackRequest, LearningPart } from '../../learning-part.ts';
import { recordAction } from '../actor.ts';
import type { AdminPrincipal } from '../principals.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import {
  anomaliesBody,
  anomalyBody,
  anomalyFeedbackRequest,
  anomalyKind,
  clustersBody,
  liftRequest,
  restraintBody,
} from '../schemas/anomalies.ts';
import { count, timeMs, z } from '../schemas/common.ts';

const tag = 'Learning';
const problems = [404, 503];
const NAMES: ReadonlySet<Role> = new Set<Role>(['operator', 'auditor', 'owner']);

/** What callers and tools do that is unlike all before, and which agents are alike. */
export function anomalyRoutes(parts: AdminParts, learning: () => LearningPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'listAnomalies',
      method: 'get',
      path: '/learning/anomalies',
      tag,
      summary: 'What was abnormal, with the evidence',
      query: z.strictObject({
        sinceMs: timeMs,
        upstream: z.string().min(1).optional(),
        kind: anomalyKind.optional(),
        limit: count({ max: 1_000, fallback: 100 }),
      }),
      answer: { description: 'The anomalies, newest first', schema: anomaliesBody },
      problems,
      run: async ({ query, principal }) => {
        const body = await learning().anomalies(query);
        return { ...body, anomalies: body.anomalies.map((anomaly) => toVisible(anomaly, principal)) };
      },
    }),
    defineRoute({
      id: 'judgeAnomaly',
      method: 'post',
      path: '/learning/anomalies/feedback',
      tag,
      summary: 'Say whether an anomaly was worth telling',
      description:
        'Noise raises what it takes to tell the same again, and when there is much of it, anything of that kind. It also lets go who is held back for it.',
      body: anomalyFeedbackRequest,
      answer: { description: 'The anomaly after it', schema: anomalyBody },
      problems: [...problems, 409],
      run: async ({ body, principal }) => {
        const anomaly = await learning().judgeAnomaly(body);
        await recordAction(parts, principal, {
          action: 'learning.feedback',
          lines: [`${body.id} ${body.verdict}`, ...liftedBy(anomaly, body)],
        });
        return toVisible(anomaly, principal);
      },
    }),
    defineRoute({
      id: 'liftRestraint',
      method: 'post',
      path: '/learning/anomalies/lift',
      tag,
      summary: 'Let go who is held back for an anomaly',
      description: 'It says nothing of the anomaly: the same is told again, and once this is over, held back again.',
      body: liftRequest,
      answer: { description: 'The restraint, lifted', schema: restraintBody },
      problems,
      run: async ({ body, principal }) => {
        const restraint = await learning().liftRestraint(body.id);
        await recordAction(parts, principal, { action: 'learning.lift', lines: [body.id] });
        return restraint;
      },
    }),
    defineRoute({
      id: 'listClusters',
      method: 'get',
      path: '/learning/clusters',
      tag,
      summary: 'Which of the newest sessions do the same',
      answer: { description: 'The clusters, largest first', schema: clustersBody },
      problems,
      run: async ({ principal }) => {
        const body = await learning().clusters();
        const clusters = body.clusters.map(({ principals, ...rest }) => ({
          ...rest,
          principals: principals.map((each) => toVisible(each, principal)),
        }));
        return { ...body, clusters };
      },
    }),
  ];
}

function liftedBy({ restraint }: AnomalyBody, { verdict }: AnomalyFeedbackRequest): string[] {
  return verdict === 'noise' && restraint !== undefined ? ['restraint lifted'] : [];
}

function toVisible<Named extends { readonly principalName?: string | undefined }>(named: Named, { role }: AdminPrincipal): Named {
  if (NAMES.has(role)) return named;
  const { principalName: _, ...rest } = named;
  return rest as Named;
}
