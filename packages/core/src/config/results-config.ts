import { z } from 'zod';

const bytes = (least: number, about: string) => z.int().min(least).max(1_073_741_824).describe(about);

const limits = {
  maxInlineBytes: bytes(
    2_048,
    'A result of a tool with more readable bytes than this is kept, and its caller gets a preview and a handle.',
  ),
  maxInlineMediaBytes: bytes(0, 'An image, a recording or a binary resource stays in its result up to this size. Each counts by itself.'),
  previewBytes: bytes(
    512,
    'About how much the preview shows. A piece of a result that is no larger stays as it is while there is room for it.',
  ),
  structured: z
    .enum(['shorten', 'whole'])
    .describe(
      'What becomes of large `structuredContent` of a tool with an output schema: arrays and texts in it are shortened as far as it stays valid (`shorten`), or it is always given whole (`whole`).',
    ),
  ttlSeconds: z.int().min(1).max(604_800).describe('How long a result is kept.'),
};

export const resultsConfig = z.strictObject({
  maxInlineBytes: limits.maxInlineBytes.default(65_536),
  maxInlineMediaBytes: limits.maxInlineMediaBytes.default(1_048_576),
  previewBytes: limits.previewBytes.default(4_096),
  structured: limits.structured.default('shorten'),
  ttlSeconds: limits.ttlSeconds.default(3_600),
  maxBytes: bytes(
    1_048_576,
    'All results kept together, in memory; the ones unused for longest, of whoever has most, make room for others.',
  ).default(268_435_456),
});
export type ResultsConfig = z.infer<typeof resultsConfig>;

export const upstreamResultsConfig = z.strictObject({
  disabled: z.boolean().default(false).describe('Give all results of this upstream whole, whatever `results` of the gateway says.'),
  except: z.array(z.string().min(1)).default([]).describe('Tools whose results are always given whole (`*` stands for any text).'),
  maxInlineBytes: limits.maxInlineBytes.optional(),
  maxInlineMediaBytes: limits.maxInlineMediaBytes.optional(),
  previewBytes: limits.previewBytes.optional(),
  structured: limits.structured.optional(),
  ttlSeconds: limits.ttlSeconds.optional(),
});
export type UpstreamResultsConfig = z.infer<typeof upstreamResultsConfig>;

/** What holds where only an upstream says something. */
export const DEFAULT_RESULTS: ResultsConfig = Object.freeze(resultsConfig.parse({}));
