import { z } from '@hono/zod-openapi';

export { z };

/** How many of a list: a whole number in a query. */
export function count({ max, fallback }: { readonly max: number; readonly fallback: number }) {
  return z
    .string()
    .regex(/^[1-9]\d{0,8}$/, `must be a whole number from 1 to ${max}`)
    .transform(Number)
    .refine((value) => value <= max, `must be a whole number from 1 to ${max}`)
    .optional()
    .transform((value) => value ?? fallback)
    .openapi({ type: 'integer', minimum: 1, maximum: max, default: fallback });
}

export const cursor = z.string().min(1).max(1000).optional().describe('`next` of the page before.');

export const next = z.string().optional().describe('Cursor of the next page; absent on the last one.');

/** Whole milliseconds since 1970, in a query. */
export const timeMs = z
  .string()
  .regex(/^\d{1,15}$/, 'must be milliseconds since 1970')
  .transform(Number)
  .optional()
  .openapi({ type: 'integer', minimum: 0 });

export const locatedProblem = z
  .strictObject({
    path: z.string(),
    message: z.string(),
    line: z.int().min(1).optional(),
    column: z.int().min(1).optional(),
  })
  .openapi('LocatedProblem');

export const problemBody = z
  .strictObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Our error code; branch on it.'),
    problems: z.array(locatedProblem).optional().describe('Each thing that is wrong, with its place.'),
  })
  .openapi('Problem', {
    example: {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is no upstream "githib"; did you mean "github"?',
      code: 'UNKNOWN_NAME',
    },
  });
