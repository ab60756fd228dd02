import { RawJson, isObject, type Outcome } from '@signalbox/core';
import { MODERN_REVISION, checkMirroredArguments, withParams } from '@signalbox/protocol';
import type { TargetedCall, TargetedStage } from './call-stages.ts';
import { describeProblems } from './schema-problems.ts';
import type { Problem, SchemaValidator } from './schema-validator.ts';

export interface ShapeOptions {
  readonly schemas: SchemaValidator;
}

const NO_ARGUMENTS = RawJson.fromValue({});

/** Checks a tool's arguments against its schema. A refusal is an answer the model can read and mend its call by. */
export function shape(options: ShapeOptions): TargetedStage {
  return (call, next) => {
    const { definition } = call.target;
    if (definition === undefined) return next(call);
    const given = call.params.get('arguments');
    if (call.mirrored !== undefined) checkMirroredArguments(definition.inputSchema, given?.value, call.mirrored);
    // Servers that read `arguments.x` without looking fail on a call without arguments, so it gets an empty object.
    const ready = given === undefined ? { ...call, params: withParams(call.params, { arguments: NO_ARGUMENTS }) } : call;
    const args = (given ?? NO_ARGUMENTS).value;
    if (!isObject(args)) return refuse(call, [{ path: '', message: 'must be an object', keyword: 'type' }]);
    const problems = options.schemas.validate(definition.inputSchema, args);
    if (problems instanceof Promise) return problems.then((found) => (found === undefined ? next(ready) : refuse(call, found)));
    return problems === undefined ? next(ready) : refuse(call, problems);
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
