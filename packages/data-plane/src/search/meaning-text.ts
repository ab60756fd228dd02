import type { Target, ToolDefinition } from '@signalbox/core';
import { readToolText } from './tool-text.ts';

// About four hundred tokens, as the smallest models take no more than five hundred.
const MAX_CHARS = 1_500;
const MAX_PARAMETER_CHARS = 300;
const texts = new WeakMap<ToolDefinition, string>();

/** What a tool is known by to whoever ranks by meaning: its own name, its description, and the names of its parameters. */
export function meaningTextOf(target: Target): string {
  const { definition } = target;
  const known = definition && texts.get(definition);
  if (known !== undefined) return known;
  const { description, parameterNames } = readToolText(target.name, target);
  const parameters = parameterNames.slice(0, MAX_PARAMETER_CHARS);
  const head = [target.name.replaceAll(/[_.-]+/g, ' '), description].filter((text) => text !== '').join(': ');
  const text = `${head.slice(0, MAX_CHARS - MAX_PARAMETER_CHARS - 1)}${parameters === '' ? '' : `\n${parameters}`}`;
  if (definition !== undefined) texts.set(definition, text);
  return text;
}
