import { z } from './common.ts';

const amount = z.int().min(0);
const surface = z.enum(['all', 'hot', 'search']);

export const surfacesBody = z
  .strictObject({
    addresses: z
      .array(
        z
          .strictObject({
            server: z.string().optional().describe('The virtual server; absent for the address where everything is.'),
            surface: surface.describe('What it shows.'),
            tools: amount.describe('That it has, whatever it shows of them.'),
            tokens: z
              .strictObject({ all: amount, hot: amount, search: amount })
              .describe('Of the definitions in its list of tools, with each surface.'),
            hotTools: z
              .array(z.strictObject({ upstream: z.string(), tool: z.string() }))
              .describe('That are listed, or would be, with the surface `hot`.'),
            estimated: z.boolean().describe('Whether some definitions are taken at four bytes a token, as they are not counted.'),
          })
          .openapi('AddressListing'),
      )
      .describe('The address where everything is, then those of virtual servers.'),
  })
  .openapi('Surfaces');

export type SurfacesBody = z.output<typeof surfacesBody>;
