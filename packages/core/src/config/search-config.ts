import { z } from 'zod';
import { secretReference } from './secret.ts';

const embeddingsConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .refine((text) => !hasUserInfo(text), 'must hold no user and password; give a `token` instead')
      .optional()
      .describe('Where an OpenAI-compatible server takes `POST …/embeddings`, for example `http://127.0.0.1:11434/v1`.'),
    model: z.string().min(1).max(200).optional().describe('Name of the model, as the server knows it; with `url`.'),
    path: z
      .string()
      .min(1)
      .optional()
      .describe(
        'In place of `url`: folder of a model that the gateway runs itself, with `model.onnx` and `tokenizer.json`. A relative one starts in the folder of the configuration.',
      ),
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
  })
  .superRefine(({ url, model, path, token }, context) => {
    const tell = (member: string, message: string): void => void context.addIssue({ code: 'custom', path: [member], message });
    if (url === undefined && path === undefined)
      tell('url', 'is missing; give the address of a server here, or the folder of a model as `path`');
    if (url !== undefined && path !== undefined) tell('path', 'cannot stand beside `url`: vectors come from a server or from a model here');
    if (url !== undefined && model === undefined) tell('model', 'is missing; the server has to be told which one');
    if (path === undefined) return;
    if (model !== undefined) tell('model', 'has no place beside `path`, which is the model');
    if (token !== undefined) tell('token', 'has no place beside `path`: no server is asked');
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
