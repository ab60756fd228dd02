import { z } from './common.ts';

const amount = z.int().min(0);
const share = z.number().min(0).max(1);

export const experimentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,59}$/, 'must be small letters, digits and dashes, at most 60, and begin with a letter or digit');

const kind = z
  .enum(['ranking', 'limit'])
  .describe(
    'What the candidate does: order tools by what was learned instead of by the static ranking; show another number of tools for a need.',
  );

export const experimentRequest = z
  .strictObject({
    name: experimentName,
    kind,
    limit: z
      .int()
      .min(1)
      .max(20)
      .optional()
      .describe('Tools shown for a need in the candidate’s arm unless the caller says how many; of kind `limit`.'),
    share: z.number().min(0.01).max(0.5).default(0.1).describe('Share of conversations that get the candidate at first.'),
    minHours: z.number().min(0).max(8_760).default(1).describe('Shortest time before a promotion.'),
    alpha: z.number().min(0.001).max(0.2).default(0.05).describe('Chance of ever promoting what is no better, however often one looks.'),
  })
  .superRefine(({ kind: wanted, limit }, context) => {
    if ((wanted === 'limit') === (limit !== undefined)) return;
    const message = wanted === 'limit' ? 'must be given for an experiment of kind "limit"' : 'belongs to experiments of kind "limit" only';
    context.addIssue({ code: 'custom', path: ['limit'], message });
  })
  .openapi('ExperimentRequest', { example: { name: 'learned-ranking', kind: 'ranking', share: 0.2, minHours: 1, alpha: 0.05 } });

export const experimentAction = z
  .strictObject({
    action: z
      .enum(['stop', 'freeze', 'thaw', 'remove'])
      .describe('Demote it at once; let it take no step forward; lift that; forget one that was stopped.'),
  })
  .openapi('ExperimentAction', { example: { action: 'stop' } });

const arm = z.strictObject({ count: amount, mean: z.number().optional() }).openapi('ExperimentArm');

export const experimentBody = z
  .strictObject({
    name: z.string(),
    kind,
    limit: z.number().optional(),
    share,
    minHours: z.number(),
    alpha: z.number(),
    stage: z.enum(['shadow', 'canary', 'promoted', 'demoted']),
    frozen: z.boolean().describe('It takes no step forward, but can still be demoted.'),
    sinceMs: z.number().describe('When the stage began.'),
    currentShare: share.describe('Of conversations that get the candidate now.'),
    version: amount.describe('Rises with each step; figures are of this version alone.'),
    units: z
      .strictObject({ control: amount, candidate: amount })
      .describe('Conversations in each arm; one that lasts for days counts each day.'),
    metrics: z.array(
      z
        .strictObject({
          metric: z.enum(['found', 'ok']).describe('Searches of which a call came that went well; calls that went well.'),
          control: arm,
          candidate: arm,
          difference: z.number().describe('Candidate less control.'),
          low: z.number().optional().describe('The true difference lies from here'),
          high: z.number().optional().describe('to here, at every look at once with 1 − alpha.'),
        })
        .openapi('ExperimentMetric'),
    ),
    steps: z.array(z.strictObject({ version: amount, atMs: z.number(), stage: z.string(), reason: z.string() })).describe('Newest last.'),
  })
  .openapi('Experiment');

export const experimentsBody = z.strictObject({ experiments: z.array(experimentBody).describe('Latest first.') }).openapi('Experiments');

export type ExperimentRequest = z.output<typeof experimentRequest>;
export type ExperimentAction = z.output<typeof experimentAction>['action'];
export type ExperimentBody = z.output<typeof experimentBody>;
export type ExperimentsBody = z.output<typeof experimentsBody>;
