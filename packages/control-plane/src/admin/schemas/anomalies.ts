import { z } from './common.ts';

const amount = z.int().min(0);
const principal = z.string().describe('Keyed hash of who called; empty for a caller without a name.');
const principalName = z
  .string()
  .optional()
  .describe('The name behind it: for operators, auditors and owners, once the caller was seen since the start.');

export const anomalyKind = z
  .enum(['rate', 'first-use', 'shape', 'destination', 'sequence', 'arguments', 'result', 'duration', 'failures', 'drift'])
  .describe(
    'Too many calls; a tool the caller has never used; argument names or types it has never sent; a host or mail domain it has never named; tools in an order it has never called them in; too large arguments or results; slow or failing again and again; a tool that has changed for good.',
  );
const verdict = z.enum(['useful', 'noise']);

export const restraintBody = z
  .strictObject({
    untilMs: z.number().describe('Later when the same is seen again.'),
    lifted: z.boolean().describe('Whether people have let the caller go: it is not held back again as long as this goes on.'),
  })
  .openapi('Restraint');

export const anomalyBody = z
  .strictObject({
    id: z.string().describe('The same after a restart.'),
    kind: anomalyKind,
    principal: principal.describe('Keyed hash of who called; empty when it is about the tool, or the caller has no name.'),
    principalName,
    upstream: z.string().describe('Empty, as is `tool`, when it is about all calls of a caller.'),
    tool: z.string().describe('The upstream’s own name of it.'),
    firstMs: z.number(),
    lastMs: z.number(),
    count: amount.describe('Times that it was seen; the same again within a day counts as one anomaly.'),
    score: z.number().describe('How unlikely it is: minus the decimal logarithm.'),
    threshold: z.number().describe('From which score on it is told; noise raises it.'),
    measure: z
      .enum(['calls in 5 minutes', 'calls before', 'argument bytes', 'result bytes', 'ms', 'failure share'])
      .describe('What `observed`, `expected`, `low` and `high` count.'),
    observed: z.number(),
    expected: z.number().describe('What is usual.'),
    low: z.number().describe('What is usual is from here'),
    high: z.number().describe('to here.'),
    calls: amount.describe('That the expectation rests on.'),
    feedback: verdict.optional().describe('What people say of it.'),
    restraint: restraintBody.optional().describe('How long its caller is held back for it; absent where it is not, or no longer.'),
  })
  .openapi('Anomaly');

export const anomaliesBody = z
  .strictObject({
    anomalies: z.array(anomalyBody).describe('Newest first.'),
    heldBack: amount.describe('Times that something was not told because enough was told on that day.'),
  })
  .openapi('Anomalies');

export const anomalyFeedbackRequest = z
  .strictObject({ id: z.string().min(1).describe('Of the anomaly.'), verdict })
  .openapi('AnomalyFeedback', { example: { id: '0123456789ab', verdict: 'noise' } });

export const liftRequest = z
  .strictObject({ id: z.string().min(1).describe('Of the anomaly.') })
  .openapi('LiftRestraint', { example: { id: '0123456789ab' } });

export const clustersBody = z
  .strictObject({
    sessions: amount.describe('The newest ones, which were grouped.'),
    separation: z
      .number()
      .min(-1)
      .max(1)
      .describe('How much nearer sessions are to their own cluster than to the next; below 0.25 they hardly differ.'),
    clusters: z
      .array(
        z
          .strictObject({
            sessions: amount,
            calls: amount,
            lastMs: z.number(),
            marks: z.array(z.string()).describe('Tools and servers that tell it from the others, best first.'),
            principals: z.array(z.strictObject({ principal, principalName, sessions: amount }).openapi('ClusterPrincipal')),
            clients: z.array(z.strictObject({ client: z.string(), sessions: amount }).openapi('ClusterClient')),
          })
          .openapi('AgentCluster'),
      )
      .describe('Largest first.'),
  })
  .openapi('Clusters');

export type AnomalyBody = z.output<typeof anomalyBody>;
export type AnomaliesBody = z.output<typeof anomaliesBody>;
export type RestraintBody = z.output<typeof restraintBody>;
export type AnomalyFeedbackRequest = z.output<typeof anomalyFeedbackRequest>;
export type ClustersBody = z.output<typeof clustersBody>;
