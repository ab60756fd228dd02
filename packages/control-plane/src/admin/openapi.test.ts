import { compileErrors, validate } from '@readme/openapi-parser';
import { expect, test } from 'vitest';
import { createAdminDocument } from './openapi.ts';

test('the contract is valid OpenAPI 3.1 by the judgement of others', async () => {
  const document = structuredClone(createAdminDocument());
  const result = await validate(document as never);
  expect(result.valid ? '' : compileErrors(result)).toBe('');
});

test('every operation has an answer, problems with their schema, and the token as its proof', () => {
  const { paths, security, components } = createAdminDocument() as {
    paths: Record<string, Record<string, { summary: string; responses: Record<string, { content: Record<string, unknown> }> }>>;
    security: unknown;
    components: { securitySchemes: object; schemas: Record<string, unknown> };
  };
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  expect(operations.length).toBeGreaterThan(25);
  for (const { responses, summary } of operations) {
    expect(summary).not.toBe('');
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403']));
    expect(responses['401']?.content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } });
  }
  expect(security).toEqual([{ bearer: [] }]);
  expect(components.securitySchemes).toHaveProperty('bearer');
  expect(Object.keys(components.schemas)).toEqual(
    expect.arrayContaining(['Status', 'ChangeRequest', 'Change', 'StateVersions', 'Problem']),
  );
});
