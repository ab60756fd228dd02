import { z } from './common.ts';

const amount = z.int().min(0);
const share = z.number().min(0).max(1);
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
    clients: z
      .array(
        z
          .strictObject({
            client: z.string().describe('Its software, as it calls itself; anybody may say so.'),
            conversations: amount.describe('Sessions, parted where nothing was called for half an hour.'),
            toolsEach: z.number().min(0).describe('Tools that a conversation calls with success, as a mean.'),
            searches: amount,
            served: z
              .strictObject({ share, low: share, high: share })
              .optional()
              .describe('Share of searches that a call of a tool they had shown followed and that went well, with its interval of 95 %.'),
            repeated: share.optional().describe('Share of searches that only another search followed.'),
            advice: z
              .array(
                z
                  .strictObject({
                    server: z.string().optional(),
                    surface: surface.describe('What the address shows.'),
                    advised: surface.optional().describe('The same where no other is surely better; absent while too little is known.'),
                    tokens: z
                      .strictObject({ all: amount, hot: amount.optional(), search: amount.optional() })
                      .describe('Of a conversation: the list, and with `hot` and `search` what finding the tools costs that it uses.'),
                    reason: z.string(),
                  })
                  .openapi('SurfaceAdvice'),
              )
              .describe(
                'For each address that has half of the tools it uses. It is for the configuration to say; nothing changes by itself.',
              ),
          })
          .openapi('ClientSurfaces'),
      )
      .describe('Those with most conversations first.'),
  })
  .openapi('Surfaces');

export type SurfacesBody = z.output<typeof surfacesBody>;
