import { Option, type Command } from 'commander';
import { common, parseCount, parseVersion, type Execute } from './program-options.ts';

/** The commands about what was wanted before, and who did what. */
export function addHistory(program: Command, execute: Execute): void {
  const group = 'History:';
  common(program.command('history').description('list the versions of the configuration, newest first').helpGroup(group))
    .option('-n, --lines <number>', 'how many', parseCount, 20)
    .option('--by <name>', 'only changes by this principal; "file" for those of the file')
    .addOption(
      new Option('--action <action>', 'only changes of this kind').choices([
        'config.reload',
        'config.change',
        'config.rollback',
        'upstream.restart',
      ]),
    )
    .action((options) => execute(options, async (context) => (await import('./history.ts')).history(context, options)));
  common(program.command('rollback').description('go back to a version').helpGroup(group))
    .argument('<version>', 'as "signalbox history" lists them', parseVersion)
    .addOption(new Option('--scope <scope>', 'api leaves the file as it is').choices(['all', 'api']))
    .option('--reason <text>', 'why, for the history')
    .option('--dry-run', 'show the change, make none')
    .action((version: number, options) =>
      execute(options, async (context) => (await import('./rollback.ts')).rollback(context, { ...options, version })),
    );
  addAudit(program, execute);
}

function addAudit(program: Command, execute: Execute): void {
  const audit = program.command('audit').description('show, verify and export the records of who did what').helpGroup('History:');
  filtered(common(audit.command('list').description('show the newest records')))
    .option('-n, --lines <number>', 'how many', parseCount, 50)
    .action((options) => execute(options, async (context) => (await import('./audit.ts')).auditList(context, options)));
  common(audit.command('verify').description('say whether every record is as it was written')).action((options) =>
    execute(options, async (context) => (await import('./audit.ts')).auditVerify(context)),
  );
  filtered(common(audit.command('export').description('write all records that fit, one JSON object a line')))
    .option('-o, --output <file>', 'where they are written (default: stdout)')
    .action((options) => execute(options, async (context) => (await import('./audit.ts')).auditExport(context, options)));
}

function filtered(command: Command): Command {
  return command
    .addOption(new Option('--kind <kind>', 'only calls, or only changes').choices(['call', 'change']))
    .option('--upstream <name>', 'only calls of this server')
    .option('--name <name>', 'only calls of this tool')
    .option('--principal <name>', 'only what this principal did')
    .option('--status <status>', 'only calls that ended so');
}
