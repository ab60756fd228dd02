import { z } from './common.ts';

const amount = z.int().min(0);
const place = z.number().min(0).max(1).optional();

export const qualityBody = z
  .strictObject({
    days: z
      .array(
        z
          .strictObject({
            day: z.string().describe('Date by ISO 8601, UTC.'),
            searches: amount.describe('Needs that were searched for.'),
            led: amount.describe('Those that were followed by a call that went well of a tool they had shown.'),
            lost: amount.describe('Those that were followed by another search only.'),
            place: place.describe('One divided by the place of the tool that was called, as the mean; absent where none was.'),
            staticPlace: place.describe('The same by the static ranking alone, with nothing for tools it had not found.'),
          })
          .openapi('SearchDay'),
      )
      .describe('Days on which something was searched for, newest first; at most 400 are kept.'),
  })
  .openapi('SearchQuality');

export type QualityBody = z.output<typeof qualityBody>;
