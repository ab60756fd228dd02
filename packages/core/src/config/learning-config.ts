import { z } from 'zod';

const anomaliesConfig = z.strictObject({
  enabled: z.boolean().default(true).describe('Learn what each caller usually does with each tool, and tell what is far from it.'),
  action: z
    .enum(['tell', 'throttle', 'ask'])
    .default('tell')
    .describe(
      'What follows for a caller whose calls are abnormal. `tell`: nothing, they go on as they would. `throttle`: for a time it is held to few calls with that tool, or in all where the anomaly is about all. `ask`: the person at the client is asked whether they may be made; clients that cannot ask theirs are held to few calls.',
    ),
  throttle: z
    .strictObject({
      callsPerMinute: z
        .int()
        .min(1)
        .max(600)
        .default(10)
        .describe('Calls that are let through, one after the other; one that may change something counts for three.'),
      minutes: z.int().min(1).max(1_440).default(10).describe('Time after it was last seen to be abnormal.'),
    })
    .prefault({})
    .describe('How narrow and how long, with `action` set to `throttle` or `ask`.'),
  alertsPerDay: z
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .describe(
      'Most alerts in a day, a quarter of them about one caller at most; the more were told, the more abnormal the next has to be.',
    ),
  settleDays: z
    .number()
    .min(0)
    .max(90)
    .default(3)
    .describe('Days from the first call of a caller on in which nothing it does is abnormal.'),
});

export const learningConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('Learn from calls and searches, in a thread of its own. Off: nothing is kept and everything goes by the static policy.'),
  search: z.boolean().default(true).describe('Whether what was learned may order what `search_tools` shows.'),
  hints: z
    .boolean()
    .default(true)
    .describe('Whether what helped others is added to errors that a change of the arguments has mended for them.'),
  timeouts: z
    .boolean()
    .default(false)
    .describe('Whether calls are given up sooner than `timeouts.callMs` says when a tool has never taken nearly as long.'),
  fallbacks: z.boolean().default(false).describe('Whether what was learned may say in which order the upstreams in `fallback` are tried.'),
  openAhead: z
    .boolean()
    .default(false)
    .describe('Whether a connection for a single client is opened before its first call, where most go on to that upstream.'),
  callAhead: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          'Whether a tool that most conversations call next, with arguments that are known by then, is called before anybody asks. Only tools in `cache.tools` that say `readOnlyHint`, or are named there in full and do not say that they write.',
        ),
      maxShare: z
        .number()
        .min(0.01)
        .max(1)
        .default(0.1)
        .describe('Most such calls that nobody asks for then, for each call of the same upstream that somebody asks for.'),
    })
    .prefault({})
    .describe('Calls made before they are asked for, so that their answers are in the cache.'),
  breaker: z
    .boolean()
    .default(false)
    .describe(
      'Whether an upstream that very likely fails again, as failures in a row before have shown, is tried after those in `fallback`.',
    ),
  hotSet: z
    .strictObject({
      maxTools: z.int().min(1).max(200).default(15).describe('Most tools in it.'),
      maxTokens: z
        .int()
        .min(100)
        .max(200_000)
        .default(4_000)
        .describe('Most tokens that their definitions may take, counted by `o200k_base`; four bytes are one until they are counted.'),
      epochHours: z.number().min(0.001).max(8_760).default(24).describe('Least time between two changes of it; sessions keep theirs.'),
    })
    .prefault({})
    .describe('The tools that addresses with the surface `hot` list beside the three to search by: those used most of late.'),
  keepFacts: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(100_000)
    .describe('Facts kept, without payloads, to replay them and to forget some; beyond it the oldest go.'),
  commitSeconds: z.int().min(1).max(86_400).default(60).describe('Longest time that what was learned is in memory only.'),
  maxMemoryMb: z.int().min(64).max(16_384).default(256).describe('Heap of the thread in MiB; one that needs more is started anew.'),
  maxCpuShare: z
    .number()
    .min(0.01)
    .max(1)
    .default(0.2)
    .describe('Most of one core that it takes. Facts that it has no time for are dropped and counted.'),
  anomalies: anomaliesConfig.prefault({}).describe('What is abnormal.'),
});
export type LearningConfig = z.infer<typeof learningConfig>;
