import { z } from './common.ts';

const amount = z.int().min(0);
const share = z.number().min(0).max(1);
const toolId = { upstream: z.string(), tool: z.string().describe('The upstream’s own name of it.') };

export const learningBody = z
  .strictObject({
    state: z
      .enum(['learning', 'frozen', 'starting', 'dead'])
      .describe('`frozen`: advises, learns nothing. `starting` and `dead`: the gateway goes by its static policy.'),
    reason: z.string().optional().describe('Why it is not learning.'),
    adviceVersion: amount.describe('Of the advice in force; 0 while there is none.'),
    facts: z
      .strictObject({
        written: amount,
        dropped: amount.describe('Facts that found no room because learning was behind.'),
        learned: amount,
        kept: amount.describe('Facts that can be replayed and forgotten.'),
      })
      .openapi('LearningFacts'),
    restarts: amount.describe('Times it was started anew after it died or hung.'),
    cpuSeconds: z.number().min(0),
    otherGateways: amount.describe('Others that share the store and whose counts are added up with its own in what is advised.'),
    nextTool: z
      .strictObject({
        told: amount.describe(
          'Calls of sessions that had called before, each told before it was learned from; beyond the first 2,000 calls, one in four and a hundred a second at most.',
        ),
        first: amount.describe('The tool that was held most likely was called.'),
        amongThree: amount.describe('One of the three that were held most likely was called.'),
        sure: amount.describe(
          'Of these, times it was sure: the most likely one was held at least as likely as all others together and had come at least three times. Searches go by it then.',
        ),
        sureRight: amount.describe('Of these, it was called.'),
      })
      .optional()
      .describe('How often it was right which tool a session calls next.')
      .openapi('NextToolCounts'),
    models: z.array(
      z
        .strictObject({ name: z.string(), rows: amount, bytes: amount.describe('As they would be written, about.') })
        .openapi('LearningModel'),
    ),
    commit: z.string().optional().describe('The last one on the branch in use.'),
  })
  .openapi('Learning');

export const whyBody = z
  .strictObject({
    need: z.string(),
    adviceVersion: amount,
    matches: z.array(
      z
        .strictObject({
          name: z.string(),
          ...toolId,
          score: share,
          staticRank: amount.describe('Its place without advice, from 1; 0 when it would not have been found.'),
          why: z.string().optional().describe('What earlier calls say for it.'),
        })
        .openapi('RankedTool'),
    ),
  })
  .openapi('Why');

export const toolInsight = z
  .strictObject({
    ...toolId,
    calls: amount,
    failed: amount,
    effect: z.enum(['read', 'write', 'unknown']).describe('As its definition and its behaviour tell; `unknown` is treated as a write.'),
    failureRisk: share.optional(),
    p50Ms: z.number().min(0).optional(),
    p95Ms: z.number().min(0).optional(),
    timeoutMs: z.number().min(0).optional().describe('Longest wait that is worth it.'),
    cache: z
      .strictObject({
        kind: z.enum(['never', 'exact']),
        reason: z.string(),
        ttlMs: amount.describe('How long a result could be given again.'),
        invalidatedBy: z
          .array(z.string())
          .describe('Tools after whose calls results are no longer good, beside those of the same server that may write.'),
        wrongHitBound: share.describe('At most this share of hits would be stale, with 95 % confidence; 1 where nothing is known.'),
        hits: amount.describe('Calls that would have been hits.'),
        staleHits: amount,
      })
      .openapi('CacheAdvice'),
    next: z.array(z.strictObject({ ...toolId, share }).openapi('NextTool')).describe('What is called after it, most often first.'),
    hints: z.array(z.string()).describe('How several callers mended calls that were refused or failed, on their own.'),
    fallbacks: z
      .array(
        z
          .strictObject({
            upstream: z.string(),
            attempts: z.number().min(0).describe('Of late: those of six hours before the last one count for half.'),
            failed: z.number().min(0),
            share: share.optional().describe('Probability of being tried first, where the configured order is not to stand.'),
            heldBack: z.boolean().optional().describe('Whether it fares so much worse that it is tried last.'),
          })
          .openapi('FallbackInsight'),
      )
      .describe('Upstreams in `fallback` that offer it: as advised, where enough is known; else as configured.'),
    failing: z
      .strictObject({
        failures: z.int().min(1).describe('In a row, of its upstream.'),
        sinceMs: z.number().min(0).describe('Since the last of them.'),
        risk: share.optional().describe('That the next attempt fails as well, where enough is known.'),
        askedLast: z.boolean().describe('Whether those in `fallback` are asked first because of that.'),
      })
      .optional()
      .describe('Absent while its upstream answers. With `listen.workers` above 1, as the first worker sees it.')
      .openapi('FailingUpstream'),
  })
  .openapi('ToolInsight');

export const toolInsightsBody = z.strictObject({ tools: z.array(toolInsight).describe('Most called first.') }).openapi('ToolInsights');

export const sequencesBody = z
  .strictObject({
    sequences: z.array(z.strictObject({ tools: z.array(z.strictObject(toolId)), count: amount, succeeded: share }).openapi('Sequence')),
    ahead: z
      .array(
        z
          .strictObject({
            after: z.array(z.strictObject(toolId)).describe('One call or two, the last one first.'),
            ...toolId,
            arguments: z.array(z.strictObject({ name: z.string(), from: z.string() })).describe('Where they stand by then, in words.'),
            share: share.describe('How likely it is the next one, with these arguments.'),
          })
          .openapi('PlannedCall'),
      )
      .describe('Calls that may be made before they are asked for, the surest first, as learned with `learning.callAhead` on.'),
  })
  .openapi('Sequences');

export const commitBody = z
  .strictObject({
    id: z.string(),
    parents: z.array(z.string()),
    message: z.string(),
    atMs: z.number(),
    facts: amount.describe('That were learned when it was made.'),
    refs: z.array(z.string()).describe('Branches and tags that name it.'),
  })
  .openapi('ModelCommit');
export const commitsBody = z.strictObject({ commits: z.array(commitBody).describe('Newest first.') }).openapi('ModelCommits');

export const modelDiffBody = z
  .strictObject({
    from: z.string(),
    to: z.string(),
    added: amount,
    removed: amount,
    changed: amount,
    rows: z.array(
      z
        .strictObject({
          table: z.string(),
          key: z.string(),
          before: z.array(z.number()).optional(),
          after: z.array(z.number()).optional(),
        })
        .openapi('ModelRowChange'),
    ),
  })
  .openapi('ModelDiff');

export const rollbackRequest = z
  .strictObject({ to: z.string().min(1).describe('A commit or a tag.') })
  .openapi('ModelRollback', { example: { to: 'c1' } });
export const tagRequest = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9][\w.-]{0,59}$/,
        'must be letters, digits, dots, dashes and underscores, at most 60, and begin with a letter or digit',
      ),
    commit: z.string().min(1).optional().describe('A commit or another tag. Default: what is known now.'),
  })
  .openapi('ModelTagRequest', { example: { name: 'good' } });
export const tagBody = z.strictObject({ name: z.string(), commit: z.string() }).openapi('ModelTag');
export const freezeRequest = z
  .strictObject({ frozen: z.boolean().describe('Whether to stop learning and keep the advice as it is.') })
  .openapi('FreezeLearning', { example: { frozen: true } });
export const forgetRequest = z
  .strictObject({
    principal: z.string().min(1).optional().describe('Name of who called.'),
    upstream: z.string().min(1).optional(),
    tool: z.string().min(1).optional().describe('The upstream’s own name of it; with `upstream`.'),
    sinceMs: z.int().min(0).optional(),
    untilMs: z.int().min(0).optional(),
  })
  .refine((request) => Object.keys(request).length > 0, 'must say what is to be forgotten')
  .openapi('ForgetRequest', { example: { principal: 'vera' } });
export const forgottenBody = z
  .strictObject({
    forgotten: amount.describe('Facts that are gone.'),
    kept: amount,
    before: z.string().describe('Root hash of all models before.'),
    after: z.string().describe('And built anew from the facts that are kept.'),
    commit: z.string(),
  })
  .openapi('Forgotten');

export const replayedBody = z
  .strictObject({
    facts: amount,
    tookMs: z.number().min(0),
    timesRealTime: z.number().min(0).describe('How much faster than the facts came.'),
    root: z.string().describe('Root hash of the models that they make.'),
    isSame: z.boolean().describe('Whether these are the models in use.'),
  })
  .openapi('Replayed');

export type LearningBody = z.output<typeof learningBody>;
export type WhyBody = z.output<typeof whyBody>;
export type ToolInsight = z.output<typeof toolInsight>;
export type ToolInsightsBody = z.output<typeof toolInsightsBody>;
export type SequencesBody = z.output<typeof sequencesBody>;
export type ModelCommit = z.output<typeof commitBody>;
export type ModelCommitsBody = z.output<typeof commitsBody>;
export type ModelDiffBody = z.output<typeof modelDiffBody>;
export type TagRequest = z.output<typeof tagRequest>;
export type TagBody = z.output<typeof tagBody>;
export type ForgetRequest = z.output<typeof forgetRequest>;
export type ForgottenBody = z.output<typeof forgottenBody>;
export type ReplayedBody = z.output<typeof replayedBody>;
