import type { LearningPart } from '../../learning-part.ts';
import { recordAction } from '../actor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { count, z } from '../schemas/common.ts';
import {
  commitsBody,
  forgetRequest,
  forgottenBody,
  freezeRequest,
  learningBody,
  modelDiffBody,
  replayedBody,
  rollbackRequest,
  sequencesBody,
  tagBody,
  tagRequest,
  toolInsightsBody,
  whyBody,
} from '../schemas/learning.ts';
import { qualityBody } from '../schemas/quality.ts';
import { proposalsBody } from '../schemas/proposals.ts';
import { surfacesBody } from '../schemas/surfaces.ts';
import { anomalyRoutes } from './anomalies.ts';
import { required } from './required.ts';

const tag = 'Learning';
const problems = [404, 503];
const limited = z.strictObject({ limit: count({ max: 1_000, fallback: 100 }) });

/** What is learned, why something is advised, and the history of both. */
export function learningRoutes(parts: AdminParts): AdminRoute[] {
  const learning = () => required(parts.learning, 'Learning');
  return [...readings(learning), ...anomalyRoutes(parts, learning), ...history(parts, learning), ...steering(parts, learning)];
}

function readings(learning: () => LearningPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'getLearning',
      method: 'get',
      path: '/learning',
      tag,
      summary: 'How learning fares',
      answer: { description: 'The status', schema: learningBody },
      problems,
      run: () => learning().status(),
    }),
    defineRoute({
      id: 'explainSearch',
      method: 'get',
      path: '/learning/why',
      tag,
      summary: 'Which tools are shown for a need, and why',
      query: z.strictObject({
        need: z.string().min(1).max(2_000),
        server: z.string().min(1).optional().describe('A virtual server; default: the address where everything is.'),
        limit: count({ max: 20, fallback: 10 }),
      }),
      answer: { description: 'The tools, best first', schema: whyBody },
      problems,
      run: ({ query: { need, server, limit } }) => learning().why(need, { limit, server }),
    }),
    defineRoute({
      id: 'listToolInsights',
      method: 'get',
      path: '/learning/tools',
      tag,
      summary: 'What is known of the behaviour of each tool',
      answer: { description: 'The tools', schema: toolInsightsBody },
      problems,
      run: () => learning().tools(),
    }),
    defineRoute({
      id: 'listSequences',
      method: 'get',
      path: '/learning/sequences',
      tag,
      summary: 'Sequences of calls that are made again and again',
      query: limited,
      answer: { description: 'The sequences, most frequent first', schema: sequencesBody },
      problems,
      run: ({ query: { limit } }) => learning().sequences(limit),
    }),
    defineRoute({
      id: 'listSearchDays',
      method: 'get',
      path: '/learning/quality',
      tag,
      summary: 'How good searches were, day by day, beside what the static ranking would have shown',
      query: z.strictObject({ limit: count({ max: 400, fallback: 30 }) }),
      answer: { description: 'The days', schema: qualityBody },
      problems,
      run: ({ query: { limit } }) => learning().quality(limit),
    }),
    defineRoute({
      id: 'listProposals',
      method: 'get',
      path: '/learning/proposals',
      tag,
      summary: 'Changes of definitions that would have saved callers a failure',
      description: 'Nothing is changed by itself. An experiment tries the description of one on a share of sessions.',
      query: z.strictObject({
        upstream: z.string().min(1).optional(),
        tool: z.string().min(1).optional().describe('The upstream’s own name of it.'),
      }),
      answer: { description: 'The proposals', schema: proposalsBody },
      problems,
      run: ({ query }) => learning().proposals(query),
    }),
    defineRoute({
      id: 'listSurfaces',
      method: 'get',
      path: '/learning/surfaces',
      tag,
      summary: 'What the lists of tools cost with each surface, and which one fits which client',
      answer: { description: 'The addresses and the clients', schema: surfacesBody },
      problems,
      run: () => learning().surfaces(),
    }),
  ];
}

function history(parts: AdminParts, learning: () => LearningPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'listModelCommits',
      method: 'get',
      path: '/learning/models',
      tag,
      summary: 'The history of what was learned',
      query: limited,
      answer: { description: 'The commits, newest first', schema: commitsBody },
      problems,
      run: ({ query: { limit } }) => learning().commits(limit),
    }),
    defineRoute({
      id: 'diffModelCommits',
      method: 'get',
      path: '/learning/models/{from}/diff/{to}',
      tag,
      summary: 'What was learned between two commits',
      params: z.strictObject({ from: z.string(), to: z.string() }),
      query: limited,
      answer: { description: 'The rows that changed, most changed first', schema: modelDiffBody },
      problems,
      run: ({ params: { from, to }, query: { limit } }) => learning().diff(from, to, { limit }),
    }),
    defineRoute({
      id: 'rollBackModels',
      method: 'post',
      path: '/learning/rollback',
      tag,
      summary: 'Go on from an older commit',
      body: rollbackRequest,
      answer: { description: 'The commit that says so', schema: z.strictObject({ commit: z.string() }).openapi('RolledBackModels') },
      problems,
      run: async ({ body: { to }, principal }) => {
        const result = await learning().rollBack(to);
        await recordAction(parts, principal, { action: 'learning.rollback', lines: [`to ${to}`, `commit ${result.commit}`] });
        return result;
      },
    }),
    defineRoute({
      id: 'tagModels',
      method: 'post',
      path: '/learning/tags',
      tag,
      summary: 'Name a commit, which is kept as long as it has the name',
      body: tagRequest,
      answer: { description: 'The tag', schema: tagBody },
      problems,
      run: async ({ body, principal }) => {
        const result = await learning().tag(body);
        await recordAction(parts, principal, { action: 'learning.tag', lines: [`${result.name}: commit ${result.commit}`] });
        return result;
      },
    }),
    defineRoute({
      id: 'untagModels',
      method: 'delete',
      path: '/learning/tags/{name}',
      tag,
      summary: 'Take a name away from its commit',
      params: z.strictObject({ name: z.string().min(1) }),
      answer: { description: 'The name that is gone', schema: z.strictObject({ name: z.string() }).openapi('RemovedModelTag') },
      problems,
      run: async ({ params: { name }, principal }) => {
        await learning().untag(name);
        await recordAction(parts, principal, { action: 'learning.untag', lines: [name] });
        return { name };
      },
    }),
    defineRoute({
      id: 'replayLearning',
      method: 'post',
      path: '/learning/replay',
      tag,
      summary: 'Learn all kept facts anew, beside the models in use, and compare',
      answer: { description: 'What came of it', schema: replayedBody },
      problems,
      run: () => learning().replay(),
    }),
  ];
}

function steering(parts: AdminParts, learning: () => LearningPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'freezeLearning',
      method: 'post',
      path: '/learning/freeze',
      tag,
      summary: 'Stop learning and keep the advice as it is, or go on',
      body: freezeRequest,
      answer: { description: 'The status after it', schema: learningBody },
      problems,
      run: async ({ body: { frozen }, principal }) => {
        await learning().freeze(frozen);
        await recordAction(parts, principal, { action: frozen ? 'learning.freeze' : 'learning.unfreeze', lines: [] });
        return learning().status();
      },
    }),
    defineRoute({
      id: 'forgetLearned',
      method: 'post',
      path: '/learning/forget',
      tag,
      summary: 'Forget a caller, a tool or a time, and all that came of them',
      description:
        'Facts that match are left out and the models are built anew from the rest. What is older than the facts that are kept is forgotten as well.',
      body: forgetRequest,
      answer: { description: 'What was forgotten, with the hashes that prove it', schema: forgottenBody },
      problems,
      run: async ({ body, principal }) => {
        const result = await learning().forget(body);
        const { forgotten, before, after } = result;
        await recordAction(parts, principal, {
          action: 'learning.forget',
          lines: [`${forgotten} facts`, `root before ${before}`, `root after ${after}`],
        });
        return result;
      },
    }),
  ];
}
