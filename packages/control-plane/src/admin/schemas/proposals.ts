import { z } from './common.ts';

const operation = z.strictObject({ op: z.enum(['add', 'replace']), path: z.string(), value: z.unknown() }).openapi('SchemaOperation');

const proposal = z
  .strictObject({
    id: z.string().describe('The same as long as the tool and what is proposed stay the same.'),
    upstream: z.string(),
    tool: z.string().describe('The upstream’s own name of it.'),
    callers: z.int().min(0).describe('Who have mended a call in this way, each on their own; counted up to 64.'),
    ofCallers: z.int().min(0).describe('Who have mended a call that failed like that.'),
    why: z.string(),
    addToDescription: z.string().describe('A sentence for the end of the description.'),
    schemaPatch: z.array(operation).describe('JSON Patch (RFC 6902) of the input schema; empty where it says so already, or cannot.'),
    trial: z
      .strictObject({ name: z.string(), stage: z.enum(['shadow', 'canary', 'promoted', 'demoted']) })
      .optional()
      .describe('The experiment with this description, if there is one.')
      .openapi('ProposalTrial'),
  })
  .openapi('Proposal');

export const proposalsBody = z
  .strictObject({ proposals: z.array(proposal).describe('What most callers have found first.') })
  .openapi('Proposals');

export type ProposalsBody = z.output<typeof proposalsBody>;
