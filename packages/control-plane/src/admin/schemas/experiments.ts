import { z } from './common.ts';

const amount = z.int().min(0);
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be up to 64 small letters, digits, dots, hyphens or underscores')
  .describe('By which it is known; it keeps it until it is removed.');
const kind = z
  .enum(['ranking', 'limit', 'description'])
  .describe('What is tried: the learned ranking, how many tools a search shows, or another description of a tool.');
const guard = z
  .strictObject({
    metric: z.enum(['repeated', 'failed', 'slow', 'kilobytes']),
    margin: z.number().min(0).describe('How much worse than the control is borne, in the unit of the metric.'),
  })
  .openapi('ExperimentGuard');

const terms = {
  limit: z.int().min(1).max(20).optional().describe('Tools that the candidate shows where the caller does not say; for the kind `limit`.'),
  upstream: z.string().min(1).optional().describe('With `tool`, for the kind `description`.'),
  tool: z.string().min(1).optional().describe('The upstream’s own name of it.'),
  description: z.string().min(1).max(4_000).optional().describe('What the candidate shows in place of the tool’s own description.'),
};
const proposal = z
  .string()
  .min(1)
  .optional()
  .describe('Id of what is proposed, in place of `upstream`, `tool` and `description`: the description as it is with what is to be added.');
const goal = z
  .enum(['success', 'failed'])
  .describe('What it is to improve: the share of searches that led to a call that went well, or that of calls that failed.');
const share = z.number().gt(0).lt(1).describe('Of sessions that get the candidate in the canary.');
const alpha = z.number().min(0.000_1).max(0.2).describe('Chance of ever promoting what is no better.');
const horizon = z
  .int()
  .min(50)
  .max(10_000_000)
  .describe('Sessions in an arm after which nobody means to go on; the test is sharpest there.');
const minStageSeconds = z.int().min(0).max(31_536_000).describe('Shortest time in a stage before the next better one.');

const DEFAULT_GUARDS = [
  { metric: 'repeated' as const, margin: 0.05 },
  { metric: 'failed' as const, margin: 0.05 },
  { metric: 'slow' as const, margin: 0.05 },
  { metric: 'kilobytes' as const, margin: 4 },
];
/** Of each kind, what must be told beside it. */
const OWN = { ranking: [], limit: ['limit'], description: ['upstream', 'tool', 'description'] } as const;

export const experimentRequest = z
  .strictObject({
    name,
    kind,
    ...terms,
    proposal,
    goal: goal.default('success'),
    share: share.default(0.1),
    alpha: alpha.default(0.05),
    horizon: horizon.default(2_000),
    minStageSeconds: minStageSeconds.default(3_600),
    guards: z
      .array(guard)
      .max(4)
      .optional()
      .describe('What it must not worsen. Default: all that is not the goal, by 0.05, and an answer to a search by 4 KiB.'),
  })
  .superRefine((request, context) => {
    const own: readonly string[] = request.proposal === undefined ? OWN[request.kind] : [];
    if (request.proposal !== undefined && request.kind !== 'description')
      context.addIssue({ code: 'custom', path: ['proposal'], message: `has no place in an experiment of the kind "${request.kind}"` });
    for (const term of Object.keys(terms) as (keyof typeof terms)[]) {
      const isGiven = request[term] !== undefined;
      if (isGiven === own.includes(term)) continue;
      const message = isGiven
        ? `has no place in an experiment of ${request.proposal === undefined ? `the kind "${request.kind}"` : 'a proposal'}`
        : `is missing; the kind "${request.kind}" needs it`;
      context.addIssue({ code: 'custom', path: [term], message });
    }
    const guarded = request.guards?.map(({ metric }) => metric) ?? [];
    if (new Set(guarded).size < guarded.length) context.addIssue({ code: 'custom', path: ['guards'], message: 'names a metric twice' });
    if (guarded.some((metric) => metric === request.goal))
      context.addIssue({ code: 'custom', path: ['guards'], message: 'names the goal, which must get better anyway' });
  })
  .transform(({ guards, ...request }) => ({
    ...request,
    guards: guards ?? DEFAULT_GUARDS.filter(({ metric }) => metric !== request.goal),
  }))
  .openapi('ExperimentRequest', { example: { name: 'more-tools', kind: 'limit', limit: 8 } });

const stage = z
  .enum(['shadow', 'canary', 'promoted', 'demoted'])
  .describe('`shadow`: computed, never shown. `canary`: shown to its share. `promoted`: to nearly all. `demoted`: to nobody.');
const arm = z
  .strictObject({ sessions: amount, mean: z.number().optional().describe('Of the means of its sessions.') })
  .openapi('ExperimentArm');

const metric = z
  .strictObject({
    metric: z
      .enum(['success', 'repeated', 'failed', 'slow', 'kilobytes', 'place', 'sessions'])
      .describe(
        '`success`: share of searches that led to a call that went well; `repeated`: that led to another search only; `failed` and `slow`: shares of calls; ' +
          '`kilobytes`: of an answer to a search; `place`: one divided by the place of the tool that was called.',
      ),
    role: z.enum(['goal', 'guard', 'shown']),
    better: z.enum(['more', 'less']),
    margin: z.number().optional(),
    control: arm,
    candidate: arm,
    difference: z.number().describe('Candidate less control.'),
    low: z
      .number()
      .optional()
      .describe('With `high` it holds the true difference at every look at once; absent while there is too little.'),
    high: z.number().optional(),
    verdict: z.enum(['better', 'worse', 'undecided']),
  })
  .openapi('ExperimentMetric');

export const experimentBody = z
  .strictObject({
    name,
    kind,
    ...terms,
    goal,
    share,
    alpha,
    horizon,
    minStageSeconds,
    guards: z.array(guard),
    stage,
    version: amount.describe('Of its stage; rises with each step.'),
    isFrozen: z.boolean().describe('Whether it may only step back.'),
    shareInForce: z.number().min(0).max(1).describe('Of sessions that get the candidate now.'),
    startedAtMs: z.number(),
    sinceMs: z.number().describe('When its stage began.'),
    sessions: z.strictObject({ control: amount, candidate: amount }).openapi('ExperimentSessions'),
    isBalanced: z.boolean().describe('Whether the arms got as many sessions as they should.'),
    metrics: z.array(metric).describe('In its stage; once demoted, in the last one before.'),
    steps: z
      .array(z.strictObject({ version: amount, atMs: z.number(), stage, reason: z.string() }).openapi('ExperimentStep'))
      .describe('Oldest first.'),
  })
  .openapi('Experiment');

export const experimentsBody = z.strictObject({ experiments: z.array(experimentBody) }).openapi('Experiments');

export type ExperimentRequest = z.output<typeof experimentRequest>;
export type ExperimentBody = z.output<typeof experimentBody>;
export type ExperimentsBody = z.output<typeof experimentsBody>;
