import type { ExperimentsPart } from '../../learning-part.ts';
import { recordAction } from '../actor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { z } from '../schemas/common.ts';
import { experimentBody, experimentRequest, experimentsBody } from '../schemas/experiments.ts';
import { required } from './required.ts';

const tag = 'Learning';
const params = z.strictObject({ name: z.string().min(1) });
const problems = [404, 409, 503];
const PATH = '/learning/experiments';

const STEERING = [
  { id: 'stopExperiment', command: 'stop', summary: 'Demote a candidate at once: everybody gets the control' },
  { id: 'freezeExperiment', command: 'freeze', summary: 'Let a candidate step back only' },
  { id: 'thawExperiment', command: 'thaw', summary: 'Let a frozen candidate step on' },
] as const;

/** What is tried on a share of sessions, and what it has shown. */
export function experimentRoutes(parts: AdminParts): AdminRoute[] {
  const experiments = () => required(parts.learning, 'Learning').experiments;
  return [...readings(experiments), ...changes(parts, experiments)];
}

function readings(experiments: () => ExperimentsPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'listExperiments',
      method: 'get',
      path: PATH,
      tag,
      summary: 'What is on trial, and what it has shown',
      answer: { description: 'The experiments, oldest first', schema: experimentsBody },
      problems,
      run: () => experiments().list(),
    }),
    defineRoute({
      id: 'getExperiment',
      method: 'get',
      path: `${PATH}/{name}`,
      tag,
      summary: 'One experiment: counts and intervals of each metric, and its steps with their reasons',
      params,
      answer: { description: 'The experiment', schema: experimentBody },
      problems,
      run: ({ params: { name } }) => experiments().get(name),
    }),
  ];
}

function changes(parts: AdminParts, experiments: () => ExperimentsPart): AdminRoute[] {
  return [
    defineRoute({
      id: 'startExperiment',
      method: 'post',
      path: PATH,
      tag,
      summary: 'Start an experiment',
      description: 'The same terms again change nothing, or start one anew that was stopped.',
      body: experimentRequest,
      answer: { description: 'The experiment', schema: experimentBody },
      problems,
      run: async ({ body, principal }) => {
        const { hasChanged, experiment } = await experiments().start(body);
        const lines = [
          `${body.kind} "${body.name}"${body.proposal === undefined ? '' : `, proposal ${body.proposal}`}`,
          `stage ${experiment.stage}, share ${body.share}`,
        ];
        if (hasChanged) await recordAction(parts, principal, { action: 'learning.experiment.start', lines });
        return experiment;
      },
    }),
    ...STEERING.map(({ id, command, summary }) =>
      defineRoute({
        id,
        method: 'post',
        path: `${PATH}/{name}/${command}`,
        tag,
        summary,
        params,
        answer: { description: 'The experiment after it', schema: experimentBody },
        problems,
        run: async ({ params: { name }, principal }) => {
          const { hasChanged, experiment } = await experiments().steer(name, command);
          const lines = [`"${name}"`, `stage ${experiment.stage}`];
          if (hasChanged) await recordAction(parts, principal, { action: `learning.experiment.${command}`, lines });
          return experiment;
        },
      }),
    ),
    defineRoute({
      id: 'removeExperiment',
      method: 'delete',
      path: `${PATH}/{name}`,
      tag,
      summary: 'Let go of an experiment that was stopped or demoted',
      params,
      answer: { description: 'Its name', schema: z.strictObject({ removed: z.string() }).openapi('RemovedExperiment') },
      problems,
      run: async ({ params: { name }, principal }) => {
        await experiments().remove(name);
        await recordAction(parts, principal, { action: 'learning.experiment.remove', lines: [`"${name}"`] });
        return { removed: name };
      },
    }),
  ];
}
