import { z } from 'zod';
import { secretReference } from './secret.ts';

const embeddingsConfig = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !hasUserInfo(text), 'must hold no user and password; give a `token` instead')
    .describe('Where an OpenAI-compatible server takes `POST …/embeddings`, for example `http://127.0.0.1:11434/v1`.'),
  model: z.string().min(1).max(200).describe('Name of the model, as the server knows it.'),
  token: secretReference.optional().describe('Bearer token of each request. Default: none.'),
  dimensions: z
    .int()
    .min(1)
    .max(8_192)
    .optional()
    .describe('Numbers in a vector, asked for from models that can shorten theirs. Default: what the model gives.'),
  timeoutMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(1_000)
    .describe('Longest time that a search waits for the vectors of its needs; after that it is answered by words alone.'),
  weight: z.number().min(0.1).max(10).default(1).describe('How much the order by meaning counts beside that by words, which counts 1.'),
});

export const searchConfig = z.strictObject({
  embeddings: embeddingsConfig
    .optional()
    .describe('Rank tools by what is meant as well, with the help of a server that gets names and descriptions of tools, and needs.'),
});
export type EmbeddingsConfig = z.infer<typeof embeddingsConfig>;

function hasUserInfo(text: string): boolean {
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}
