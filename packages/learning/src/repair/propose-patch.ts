import { createHash } from 'node:crypto';
import { writeEdit, type ShapeEdit } from './compare-shapes.ts';
import type { Repair } from './repair-model.ts';

/** What to tell a caller who gets this error, in one sentence for a model to read. */
export function writeHint({ edit, errorCode }: Repair): string {
  return `Callers who got "${errorCode}" from this tool then succeeded when they ${writeRemedy(edit)}`;
}

function writeRemedy(edit: ShapeEdit): string {
  switch (edit.kind) {
    case 'added':
      return `added \`${edit.name}\` (${edit.type})`;
    case 'removed':
      return `left out \`${edit.name}\``;
    case 'renamed':
      return `gave \`${edit.to}\` (${edit.type}) instead of \`${edit.name}\``;
    case 'retyped':
      return `gave \`${edit.name}\` as ${edit.to} instead of ${edit.type}`;
  }
}

/** A change of a tool's definition for someone to look at, and to be tried on some callers first. Nothing applies it by itself. */
export interface DefinitionPatch {
  /** The same for the same proposal, and for no other one. */
  readonly id: string;
  readonly tool: string;
  /** Distinct callers who found it, of all who repaired a call with this error. */
  readonly principals: number;
  readonly ofPrincipals: number;
  /** To stand at the end of the description. */
  readonly addToDescription: string;
  /** JSON Patch operations (RFC 6902) on the input schema. */
  readonly schemaPatch: readonly SchemaOperation[];
  readonly why: string;
}

const ID_CHARS = 10;

export type SchemaOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'replace'; readonly path: string; readonly value: unknown };

export interface ProposalOptions {
  /** The tool as it is. */
  readonly inputSchema?: unknown;
  readonly description?: string | undefined;
  /** Share of the repairing callers who must have found it. Default 0.5. */
  readonly minShare?: number;
}

/** Proposes a change where most callers who repaired a call did so in the same way, and the tool does not say it yet. */
export function proposePatch(
  repair: Repair,
  { inputSchema, description, minShare = 0.5 }: ProposalOptions = {},
): DefinitionPatch | undefined {
  if (repair.principals / repair.ofPrincipals < minShare) return undefined;
  const { edit, tool, errorCode, principals, ofPrincipals } = repair;
  const addToDescription = writeAdvice(edit);
  const schemaPatch = patchSchema(edit, inputSchema);
  if (schemaPatch.length === 0 && description?.includes(addToDescription) === true) return undefined;
  return {
    id: createHash('sha256')
      .update(`${tool}\n${errorCode}\n${writeEdit(edit)}`)
      .digest('hex')
      .slice(0, ID_CHARS),
    tool,
    principals,
    ofPrincipals,
    addToDescription,
    schemaPatch,
    why: `${principals} of ${ofPrincipals} callers who repaired a call with "${errorCode}" ${writeRemedy(edit)}`,
  };
}

/** What is proposed, at the end of what a tool says of itself. */
export function patchedDescription(
  description: string | undefined,
  { addToDescription }: Pick<DefinitionPatch, 'addToDescription'>,
): string {
  const own = description?.trimEnd() ?? '';
  if (own === '') return addToDescription;
  return `${own}${/[.!?:;]$/.test(own) ? '' : '.'} ${addToDescription}`;
}

function writeAdvice(edit: ShapeEdit): string {
  switch (edit.kind) {
    case 'added':
      return `Always give \`${edit.name}\` (${edit.type}).`;
    case 'removed':
      return `Do not give \`${edit.name}\`.`;
    case 'renamed':
      return `The argument is \`${edit.to}\`, not \`${edit.name}\`.`;
    case 'retyped':
      return `Give \`${edit.name}\` as ${edit.to}.`;
  }
}

/** Only what the schema leaves open is proposed: an argument that it does not know is no business of a patch. */
function patchSchema(edit: ShapeEdit, inputSchema: unknown): readonly SchemaOperation[] {
  const schema = asObject(inputSchema);
  const properties = asObject(schema?.['properties']);
  if (schema === undefined || properties === undefined) return [];
  const name = edit.kind === 'renamed' ? edit.to : edit.name;
  const known = Object.hasOwn(properties, name) ? asObject(properties[name]) : undefined;
  if (known === undefined) return [];
  if (edit.kind === 'added' || edit.kind === 'renamed') {
    const required = Array.isArray(schema['required']) ? schema['required'] : undefined;
    if (required === undefined) return [{ op: 'add', path: '/required', value: [name] }];
    return required.includes(name) ? [] : [{ op: 'add', path: '/required/-', value: name }];
  }
  if (edit.kind === 'retyped' && known['type'] !== edit.to && edit.to !== 'null') {
    return [
      {
        op: known['type'] === undefined ? 'add' : 'replace',
        path: `/properties/${name.replaceAll('~', '~0').replaceAll('/', '~1')}/type`,
        value: edit.to,
      },
    ];
  }
  return [];
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}
