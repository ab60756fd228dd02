import type { Ajv } from 'ajv';

/** Makes a validator for schemas nobody here wrote. */
export function createAjv(isDraft7: boolean, code: { readonly source: boolean }): Promise<Ajv>;
