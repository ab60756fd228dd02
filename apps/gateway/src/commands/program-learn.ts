import { Argument, InvalidArgumentError, type Command } from 'commander';
import { addExperiments } from './program-experiments.ts';
import type { CommonOptions } from './context.ts';
import { common, parseCount, type Execute } from './program-options.ts';

/** The commands about what the gateway has learned. */
export function addLearn(program: Command, execute: Execute): void {
  const learn = program.command('learn').description('look at what the gateway has learned, and steer it').helpGroup('Learning:');
  addReadings(learn, execute);
  addAnomalies(learn, execute);
  addModels(learn, execute);
  addSteering(learn, execute);
  addExperiments(learn, execute);
}

function addReadings(learn: Command, execute: Execute): void {
  common(learn.command('status').description('show how learning fares')).action((options) =>
    execute(options, async (context) => (await import('./learn.ts')).learnStatus(context)),
  );
  common(learn.command('why').description('show which tools are found for a need, and why'))
    .argument('<need>', 'what has to be done, in words')
    .option('--server <name>', 'as this virtual server shows them')
    .action((need: string, options) =>
      execute(options, async (context) => (await import('./learn.ts')).learnWhy(context, { ...options, need })),
    );
  common(learn.command('tools').description('show what is known of the behaviour of each tool')).action((options) =>
    execute(options, async (context) => (await import('./learn.ts')).learnTools(context)),
  );
  limited(common(learn.command('sequences').description('show calls that follow each other again and again'))).action((options) =>
    execute(options, async (context) => (await import('./learn.ts')).learnSequences(context, options)),
  );
  limited(common(learn.command('quality').description('show how good searches were, day by day'))).action((options) =>
    execute(options, async (context) => (await import('./learn-quality.ts')).learnQuality(context, options)),
  );
  common(learn.command('proposals').description('show changes of definitions that would have saved callers a failure'))
    .option('--upstream <name>', 'of this server')
    .option('--tool <name>', 'of this tool, by its server’s name of it')
    .action((options) => execute(options, async (context) => (await import('./learn-proposals.ts')).learnProposals(context, options)));
  common(learn.command('surfaces').description('show what lists of tools cost with each surface, and which one fits which client')).action(
    (options) => execute(options, async (context) => (await import('./learn-surfaces.ts')).learnSurfaces(context)),
  );
}

function addAnomalies(learn: Command, execute: Execute): void {
  const anomalies = limited(common(learn.command('anomalies').description('show what was abnormal, newest first')))
    .option('--since <time>', 'from then on, as ISO 8601', parseTime)
    .option('--upstream <name>', 'of this server')
    .option('--kind <kind>', 'rate, first-use, shape, destination, sequence, arguments, result, duration, failures or drift')
    .action((options) => execute(options, async (context) => (await import('./learn-anomalies.ts')).learnAnomalies(context, options)));
  common(anomalies.command('feedback').description('say whether an anomaly was worth telling'))
    .argument('<id>', 'the anomaly')
    .addArgument(new Argument('<verdict>', 'what it was').choices(['useful', 'noise']))
    // Options that both commands know are the outer one's to read.
    .action((id: string, verdict: string, _: unknown, command: Command) =>
      execute(command.optsWithGlobals(), async (context) =>
        (await import('./learn-anomalies.ts')).learnAnomalyFeedback(context, { id, verdict }),
      ),
    );
  common(anomalies.command('lift').description('let go who is held back for an anomaly'))
    .argument('<id>', 'the anomaly')
    .action((id: string, _: unknown, command: Command) =>
      execute(command.optsWithGlobals(), async (context) => (await import('./learn-anomalies.ts')).learnLift(context, { id })),
    );
  common(learn.command('clusters').description('show which of the newest sessions do the same')).action((options) =>
    execute(options, async (context) => (await import('./learn-anomalies.ts')).learnClusters(context)),
  );
}

function addModels(learn: Command, execute: Execute): void {
  limited(common(learn.command('models').description('list the commits of what was learned, newest first'))).action((options) =>
    execute(options, async (context) => (await import('./learn-models.ts')).learnModels(context, options)),
  );
  limited(common(learn.command('diff').description('show what was learned between two commits')))
    .argument('<from>', 'a commit, branch or tag')
    .argument('[to]', 'another one', 'live')
    .action((from: string, to: string, options) =>
      execute(options, async (context) => (await import('./learn-models.ts')).learnDiff(context, { ...options, from, to })),
    );
  common(learn.command('rollback').description('go on from an older commit'))
    .argument('<to>', 'a commit or a tag')
    .action((to: string, options) =>
      execute(options, async (context) => (await import('./learn-models.ts')).learnRollback(context, { to })),
    );
  common(learn.command('tag').description('name a commit, which is kept as long as it has the name'))
    .argument('<name>', 'letters, digits, dots, dashes and underscores')
    .argument('[commit]', 'a commit or another tag; what is known now if it is not given')
    .option('--remove', 'take the name away')
    .action((name: string, commit: string | undefined, { remove, ...options }: CommonOptions & { readonly remove?: boolean }) =>
      execute(options, async (context) =>
        (await import('./learn-models.ts')).learnTag(context, { name, commit, isRemoved: remove === true }),
      ),
    );
  common(learn.command('replay').description('learn all kept facts anew beside what is in use, and compare')).action((options) =>
    execute(options, async (context) => (await import('./learn-models.ts')).learnReplay(context)),
  );
}

function addSteering(learn: Command, execute: Execute): void {
  common(learn.command('freeze').description('stop learning and keep the advice as it is'))
    .option('--undo', 'go on learning')
    .action((options: CommonOptions & { readonly undo?: boolean }) =>
      execute(options, async (context) => (await import('./learn.ts')).learnFreeze(context, { isFrozen: options.undo !== true })),
    );
  common(learn.command('forget').description('forget a caller, a tool or a time, and all that came of them'))
    .option('--principal <name>', 'calls by this caller')
    .option('--upstream <name>', 'calls of this server')
    .option('--tool <name>', 'calls of this tool, by its server’s name of it; with --upstream')
    .option('--since <time>', 'calls from then on, as ISO 8601', parseTime)
    .option('--until <time>', 'calls up to then, as ISO 8601', parseTime)
    .action((options) => execute(options, async (context) => (await import('./learn-models.ts')).learnForget(context, options)));
}

function limited(command: Command): Command {
  return command.option('-n, --lines <number>', 'how many', parseCount, 20);
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('It must be a time such as 2026-07-28T12:00:00Z.');
  return time;
}
