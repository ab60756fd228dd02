import { InvalidArgumentError, Option, type Command } from 'commander';
import { common, parseCount, parseMilliseconds, type Execute } from './program-options.ts';

/** The commands about experiments, below `learn`. */
export function addExperiments(learn: Command, execute: Execute): void {
  const experiment = learn.command('experiment').description('try something on a share of sessions, and see what comes of it');
  common(experiment.command('list').description('list what is on trial')).action((options) =>
    execute(options, async (context) => (await import('./learn-experiments.ts')).experimentList(context)),
  );
  named(experiment, { name: 'show', description: 'show the counts and intervals of an experiment, and its steps' }).action(
    (name: string, options) =>
      execute(options, async (context) => (await import('./learn-experiments.ts')).experimentShow(context, { name })),
  );
  addStart(experiment, execute);
  for (const [command, description] of STEERING)
    named(experiment, { name: command, description }).action((name: string, options) =>
      execute(options, async (context) => (await import('./learn-experiments.ts')).experimentSteer(context, { name, command })),
    );
  named(experiment, { name: 'remove', description: 'let go of an experiment that was stopped or demoted' }).action(
    (name: string, options) =>
      execute(options, async (context) => (await import('./learn-experiments.ts')).experimentRemove(context, { name })),
  );
}

const STEERING = [
  ['stop', 'show the candidate to nobody any more'],
  ['freeze', 'let the candidate step back only'],
  ['thaw', 'let a frozen candidate step on'],
] as const;

function addStart(experiment: Command, execute: Execute): void {
  named(experiment, { name: 'start', description: 'start an experiment, or start one anew that was stopped' })
    .addOption(new Option('--kind <kind>', 'what is tried').choices(['ranking', 'limit', 'description']).makeOptionMandatory())
    .option('--limit <number>', 'tools that the candidate shows; for the kind limit', parseCount)
    .option('--upstream <name>', 'the server of the tool; for the kind description')
    .option('--tool <name>', 'the tool, by its server’s name of it; for the kind description')
    .option('--description <text>', 'what the candidate says of the tool; for the kind description')
    .option('--proposal <id>', 'in place of these three: what is proposed, as learn proposals shows it')
    .addOption(new Option('--goal <metric>', 'what it is to improve (default: success)').choices(['success', 'failed']))
    .option('--share <number>', 'share of sessions that get the candidate (default: 0.1)', parseNumber)
    .option('--alpha <number>', 'chance of ever promoting what is no better (default: 0.05)', parseNumber)
    .option('--horizon <number>', 'sessions in an arm after which nobody means to go on (default: 2000)', parseMilliseconds)
    .option('--min-stage <seconds>', 'shortest time in a stage before a better one (default: 3600)', parseNumber)
    .option(
      '--guard <metric=margin>',
      'what it must not worsen by more: repeated, failed, slow, kilobytes; may be given again',
      addGuard,
      [],
    )
    .action((name: string, options) =>
      execute(options, async (context) => (await import('./learn-experiments.ts')).experimentStart(context, { ...options, name })),
    );
}

function named(experiment: Command, { name, description }: { readonly name: string; readonly description: string }): Command {
  return common(experiment.command(name).description(description)).argument('<name>', 'the experiment');
}

function parseNumber(text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) throw new InvalidArgumentError('It must be a number such as 0.1.');
  return number;
}

interface GuardOption {
  readonly metric: string;
  readonly margin: number;
}

function addGuard(text: string, before: readonly GuardOption[]): GuardOption[] {
  const [metric = '', margin = ''] = text.split('=');
  if (metric === '' || margin === '') throw new InvalidArgumentError('It must be a metric and a margin such as failed=0.02.');
  return [...before, { metric, margin: parseNumber(margin) }];
}
