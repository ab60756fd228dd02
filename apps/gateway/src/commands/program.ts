import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommonOptions } from './context.ts';
import { addHistory } from './program-history.ts';
import { addLearn } from './program-learn.ts';
import type { Execute } from './program-options.ts';
import { collect, common, parseCount, parseMilliseconds, parsePort, parseSeconds, parseVersion, parseWorkers } from './program-options.ts';

/** The commands with their arguments and options. The code of each is loaded when it runs. */
export function createProgram(execute: Execute): Command {
  const program = new Command('signalbox')
    .description('One MCP address in front of all your tools')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .commandsGroup('Help:')
    .showHelpAfterError('Run "signalbox --help" for all commands')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'Error: ')) })
    .addHelpText('after', FIRST_STEPS);
  addServing(program, execute);
  addUpstreams(program, execute);
  addUse(program, execute);
  addCare(program, execute);
  addStorage(program, execute);
  addConfig(program, execute);
  addHistory(program, execute);
  addLearn(program, execute);
  return program;
}

const FIRST_STEPS = `
First steps:
  signalbox import                      take over the servers of your MCP clients
  signalbox add time -- uvx mcp-server-time@2025.9.25
  signalbox serve                       start, and see what to paste into your clients
  signalbox doctor                      find out what is wrong and how to mend it`;

function addServing(program: Command, execute: Execute): void {
  common(program.command('serve').description('start the gateway and serve clients over HTTP').helpGroup('Serving:'))
    .option('--port <number>', 'listen on this port; 0 takes any free one', parsePort)
    .option('--host <address>', 'listen on this address (anything but loopback needs a token in the configuration)')
    .option('--workers <number>', 'processes that serve the port', parseWorkers)
    .action((options) => execute(options, async (context) => (await import('./serve.ts')).serve(context, options)));
  common(program.command('stdio').description('serve one client over stdin and stdout, with a gateway of its own').helpGroup('Serving:'))
    .option('--server <name>', 'serve this virtual server rather than everything')
    .action((options) => execute(options, async (context) => (await import('./stdio.ts')).stdio(context, options)));
}

function addUpstreams(program: Command, execute: Execute): void {
  const group = 'Servers behind it:';
  common(program.command('add').description('add a server to the configuration').helpGroup(group))
    .usage('<name> [options] -- <command> [args…]\n       signalbox add <name> [options] <url>')
    .argument('<name>', 'name of the server in the configuration')
    .argument('<target...>', 'its address, or after "--" its command and arguments')
    .option('-e, --env <name=value>', 'environment variable of the command; may be repeated', collect, [])
    .option('-H, --header <name=value>', 'header sent to the address; may be repeated', collect, [])
    .option('--cwd <folder>', 'folder the command runs in')
    .option('--force', 'replace a server of the same name')
    .option('--dry-run', 'show the change, write nothing')
    .showHelpAfterError('Put "--" in front of the command: signalbox add <name> -- <command> [args…]')
    .action((name: string, target: string[], options) =>
      execute(options, async (context) => (await import('./add.ts')).add(context, { ...options, name, target })),
    );
  common(program.command('remove').alias('rm').description('take a server out of the configuration').helpGroup(group))
    .argument('<name>', 'name of the server in the configuration')
    .option('--dry-run', 'show the change, write nothing')
    .action((name: string, options) =>
      execute(options, async (context) => (await import('./remove.ts')).remove(context, { ...options, name })),
    );
  common(program.command('import').description('take over the servers of your MCP clients').helpGroup(group))
    .argument('[clients...]', 'only these clients (default: all that are found)')
    .option('--connect', 'also add Signalbox to each client')
    .option('--secrets-as-references', 'write references in place of secrets and list the variables to set')
    .option('--dry-run', 'show the changes, write nothing')
    .option('-y, --yes', 'write without asking')
    .action((clients: string[], options) =>
      execute(options, async (context) => (await import('./import.ts')).importServers(context, { ...options, clients })),
    );
  common(program.command('list').alias('ls').description('list the servers of the configuration and their state').helpGroup(group))
    .option('--kind <kind>', 'only those of this kind: stdio, http, sse, websocket or module')
    .option('--tag <tag...>', 'only those with all of these tags')
    .option('--server <name>', 'only those that this virtual server is made of')
    .option('--capability <name>', 'only those that announce this, such as prompts; known while a gateway runs')
    .action((options) => execute(options, async (context) => (await import('./list.ts')).list(context, options)));
}

function addUse(program: Command, execute: Execute): void {
  const group = 'Tools:';
  const url = '--url <address>';
  const server = ['--server <name>', 'ask this virtual server rather than everything'] as const;
  common(program.command('tools').description('list the tools clients see').helpGroup(group))
    .option('--upstream <name>', 'only the tools of this server')
    .option(...server)
    .option(url, 'ask the MCP server at this address')
    .action((options) => execute(options, async (context) => (await import('./tools.ts')).tools(context, options)));
  common(program.command('call').description('call a tool and print what it returns').helpGroup(group))
    .argument('<tool>', 'name as "signalbox tools" prints it')
    .argument('[arguments]', 'JSON object, @file, or - for stdin', '{}')
    .option('--timeout <ms>', 'longest wait for the answer in milliseconds; progress starts it anew', parseMilliseconds)
    .option(...server)
    .option(url, 'ask the MCP server at this address')
    .action((tool: string, input: string, options) =>
      execute(options, async (context) => (await import('./call.ts')).call(context, { ...options, tool, input })),
    );
}

function addCare(program: Command, execute: Execute): void {
  const group = 'The running gateway:';
  common(program.command('status').description('show the running gateway and its servers').helpGroup(group)).action((options) =>
    execute(options, async (context) => (await import('./status.ts')).status(context)),
  );
  common(program.command('logs').description('show the log of the gateway, or what a server wrote to stderr').helpGroup(group))
    .argument('[upstream]', 'name of a server (default: the gateway itself)')
    .option('-n, --lines <number>', 'how many of the last lines', parseCount, 50)
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .action((upstream: string | undefined, options) =>
      execute(options, async (context) => (await import('./logs.ts')).logs(context, { ...options, upstream })),
    );
  common(program.command('restart').description('restart one server').helpGroup(group))
    .argument('<upstream>', 'name of the server')
    .option('--no-wait', 'do not wait until it is ready')
    .action((upstream: string, options) =>
      execute(options, async (context) => (await import('./restart.ts')).restart(context, { ...options, upstream })),
    );
  common(program.command('reload').description('have the configuration file read again').helpGroup(group)).action((options) =>
    execute(options, async (context) => (await import('./reload.ts')).reload(context)),
  );
  common(program.command('monitor').description('show how each process fares, and how long calls take').helpGroup(group)).action(
    (options) => execute(options, async (context) => (await import('./monitor.ts')).monitor(context)),
  );
  common(program.command('profile').description('take a profile of the gateway').helpGroup(group))
    .argument('<kind>', 'cpu or heap')
    .option('--seconds <number>', 'how long', parseSeconds, 10)
    .option('--worker <number>', 'of which worker (default: the first)', parseWorkers)
    .option('-o, --output <file>', 'where it is written (default: a file in this folder)')
    .action((kind: string, options) =>
      execute(options, async (context) => (await import('./profile.ts')).profile(context, { ...options, kind })),
    );
  addCache(program, execute);
  common(program.command('doctor').description('find out what is wrong and how to mend it').helpGroup(group)).action((options) =>
    execute(options, async (context) => (await import('./doctor.ts')).doctor(context)),
  );
}

function addCache(program: Command, execute: Execute): void {
  const cache = program.command('cache').description('look at the cache of answers, or clear it').helpGroup('The running gateway:');
  common(cache.command('status').description('show what the cache holds and saves')).action((options) =>
    execute(options, async (context) => (await import('./cache.ts')).cacheStatus(context)),
  );
  common(cache.command('clear').description('forget answers'))
    .argument('[upstream]', 'only those of this server')
    .action((upstream: string | undefined, options) =>
      execute(options, async (context) => (await import('./cache.ts')).cacheClear(context, { upstream })),
    );
}

function addStorage(program: Command, execute: Execute): void {
  const group = 'Storage:';
  common(program.command('backup').description('write a backup of the store, also while a gateway runs').helpGroup(group))
    .argument('[folder]', 'folder to make (default: signalbox-backup-<time> here)')
    .action((folder: string | undefined, options) =>
      execute(options, async (context) => (await import('./backup.ts')).backup(context, { folder })),
    );
  common(program.command('restore').description('put a backup in the place of the store').helpGroup(group))
    .argument('<folder>', 'folder of the backup')
    .option('-y, --yes', 'replace the store of a server without asking')
    .action((folder: string, options) =>
      execute(options, async (context) => (await import('./restore.ts')).restore(context, { ...options, folder })),
    );
  common(program.command('export').description('write everything in the store to a file for any other store').helpGroup(group))
    .argument('<file>', 'file to make')
    .action((file: string, options) => execute(options, async (context) => (await import('./export.ts')).exportData(context, { file })));
  common(program.command('import-data').description('fill the store from an export').helpGroup(group))
    .argument('<file>', 'what "signalbox export" wrote')
    .option('--replace', 'forget what the store holds')
    .action((file: string, options) =>
      execute(options, async (context) => (await import('./import-data.ts')).importData(context, { ...options, file })),
    );
}

function addConfig(program: Command, execute: Execute): void {
  const config = program.command('config').description('check, compare and describe the configuration').helpGroup('Configuration:');
  common(config.command('check').description('say whether a configuration is valid, and where not'))
    .argument('[file]', 'the file (default: the one that applies)')
    .action((file: string | undefined, options: CommonOptions) =>
      execute({ ...options, ...(file !== undefined && { config: file }) }, async (context) =>
        (await import('./config-check.ts')).configCheck(context),
      ),
    );
  common(config.command('diff').description('compare the running gateway with the file, or two versions with each other'))
    .argument('[from]', 'a version, as "signalbox history" lists them', parseVersion)
    .argument('[to]', 'another one (default: the one that applies)', parseVersion)
    .action((from: number | undefined, to: number | undefined, options) =>
      execute(options, async (context) => {
        const { configDiff, versionDiff } = await import('./config-diff.ts');
        return from === undefined ? configDiff(context) : versionDiff(context, { from, until: to });
      }),
    );
  common(config.command('schema').description('print the JSON Schema of the configuration, for editors')).action((options) =>
    execute(options, async (context) => (await import('./config-schema.ts')).configSchema(context)),
  );
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
