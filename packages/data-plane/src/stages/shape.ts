import { RawJson, isObject, type Outcome } from '@signalbox/core';
import { MODERN_REVISION, checkMirroredArguments } from '@signalbox/protocol';
import type { TargetedCall, TargetedStage } from './call-stages.ts';
import { describeProblems } from './schema-problems.ts';
import type { Problem, SchemaValidator } from './schema-validator.ts';

export interface ShapeOptions {
  readonly schemas: SchemaValidator;
}

// A call without arguments goes on without, and is checked as one with none.
const NO_ARGUMENTS = {};

/** Checks a tool's arguments against its schema. A refusal is an answer the model can read and mend its call by. */
export function shape(options: ShapeOptions): TargetedStage {
  return (call, next) => {
    const { definition } = call.target;
    if (definition === undefined) return next(call);
    const given = call.params.get('arguments');
    if (call.mirrored !== undefined) checkMirroredArguments(definition.inputSchema, given?.value, call.mirrored);
    const args = given === undefined ? NO_ARGUMENTS : given.value;
    if (!isObject(args)) return refuse(call, [{ path: '', message: 'must be an object', keyword: 'type' }]);
    const problems = options.schemas.validate(definition.inputSchema, args);
    if (problems instanceof Promise) return problems.then((found) => (found === undefined ? next(call) : refuse(call, found)));
    return problems === undefined ? next(call) : refuse(call, problems);
  };
}

function refuse(call: TargetedCall, problems: readonly Problem[]): Outcome {
  const text = describeProblems(call.trace.name ?? call.target.name, problems, call.target.definition!.inputSchema);
  return {
    kind: 'result',
    result: RawJson.fromValue({ resultType: 'complete', content: [{ type: 'text', text }], isError: true }),
    resultType: 'complete',
    isError: true,
    revision: MODERN_REVISION,
  };
}
