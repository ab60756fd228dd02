/** A JSON Schema, 2020-12 unless its `$schema` says otherwise. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One thing wrong with a value: where (`items[0].name`, empty for the whole value) and what. */
export interface SchemaProblem {
  readonly path: string;
  readonly message: string;
}

export type SchemaVerdict =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly SchemaProblem[] };
