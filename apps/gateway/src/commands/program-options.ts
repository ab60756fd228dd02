import { InvalidArgumentError, type Command } from 'commander';
import type { CommandContext, CommonOptions } from './context.ts';
import type { ExitCode } from './exit-code.ts';

/** Runs the body of a command with everything it takes from its process. */
export type Execute = (options: CommonOptions, body: (context: CommandContext) => Promise<ExitCode>) => Promise<void>;

/** The options every command has. */
export function common(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (default: signalbox.json here, or in ~/.config/signalbox)')
    .option('-d, --data <folder>', 'where the gateway remembers things (default: a folder below ~/.local/share/signalbox)')
    .option('--json', 'print JSON and nothing else')
    .option('--debug', 'show where an error happened')
    .showHelpAfterError(`Run "signalbox ${nameOf(command)} --help" for what it takes`);
}

function nameOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name();
}

export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

export function parsePort(text: string): number {
  return parseWhole(text, { min: 0, max: 65_535 });
}

export function parseWorkers(text: string): number {
  return parseWhole(text, { min: 1, max: 64 });
}

export function parseMilliseconds(text: string): number {
  return parseWhole(text, { min: 1, max: 86_400_000 });
}

export function parseCount(text: string): number {
  return parseWhole(text, { min: 1, max: 10_000 });
}

export function parseSeconds(text: string): number {
  return parseWhole(text, { min: 1, max: 60 });
}

export function parseVersion(text: string): number {
  return parseWhole(text, { min: 1, max: 999_999_999 });
}

function parseWhole(text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
}
