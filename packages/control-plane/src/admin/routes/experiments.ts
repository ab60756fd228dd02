import type { LearningPart } from '../../learning-part.ts';
import { recordAction } from '../actor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { z } from '../schemas/common.ts';
import { experimentAction, experimentBody, experimentRequest, experimentsBody } from '../schemas/experiments.ts';

const tag = 'Learning';
const problems = [404, 503];
const params = z.strictObject({ name: z.string().min(1) });

/** Candidates that are tried on a share of conversations, and promoted or taken back by what that shows. */
export function experimentRoutes(parts: AdminParts, learning: () => LearningPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'listExperiments',
      method: 'get',
      path: '/learning/experiments',
      tag,
      summary: 'Experiments, with what they have shown',
      answer: { description: 'The experiments', schema: experimentsBody },
      problems,
      run: () => learning().experiments(),
    }),
    defineRoute({
      id: 'getExperiment',
      method: 'get',
      path: '/learning/experiments/{name}',
      tag,
      summary: 'One experiment',
      params,
      answer: { description: 'The experiment', schema: experimentBody },
      problems,
      run: ({ params: { name } }) => learning().experiment(name),
    }),
    defineRoute({
      id: 'startExperiment',
      method: 'post',
      path: '/learning/experiments',
      tag,
      summary: 'Try a candidate on a share of conversations',
      description: 'It is promoted when it is surely better and nothing is worse, and taken back on the first suspicion that it is not.',
      body: experimentRequest,
      answer: { description: 'The experiment', schema: experimentBody },
      problems: [...problems, 409],
      run: async ({ body, principal }) => {
        const experiment = await learning().startExperiment(body);
        await recordAction(parts, principal, {
          action: 'learning.experiment.start',
          lines: [`${body.name}: ${body.kind}, share ${body.share}`],
        });
        return experiment;
      },
    }),
    defineRoute({
      id: 'steerExperiment',
      method: 'post',
      path: '/learning/experiments/{name}',
      tag,
      summary: 'Stop, freeze, thaw or remove an experiment',
      params,
      body: experimentAction,
      answer: { description: 'The experiments after it', schema: experimentsBody },
      problems: [...problems, 409],
      run: async ({ params: { name }, body: { action }, principal }) => {
        await learning().steerExperiment(name, action);
        await recordAction(parts, principal, { action: `learning.experiment.${action}`, lines: [name] });
        return learning().experiments();
      },
    }),
  ];
}
