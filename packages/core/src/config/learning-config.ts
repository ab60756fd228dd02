import { z } from 'zod';

const anomaliesConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Learn what each caller usually does with each tool, and tell what is far from it. Calls go on as they would.'),
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
