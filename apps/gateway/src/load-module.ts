import { createRequire } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GatewayError, type Logger } from '@signalbox/core';
import type { LoadModule } from '@signalbox/data-plane';
import { createModuleHandler, isModule } from '@signalbox/tools';

/**
 * Returns what loads modules written with the tools package: a file relative to the configuration, or a package found
 * from there or from the gateway itself.
 */
export function createModuleLoader(configPath: string, logger: Logger): LoadModule {
  return async (specifier, config) => {
    const loaded = (await import(locateModule(specifier, configPath))) as { readonly module?: unknown };
    if (!isModule(loaded.module)) throw new Error('it does not export a "module" made by defineModule');
    const module = await loaded.module.create(config);
    // The gateway's own stage checks arguments before they come here. A module that returned itself is not ours to close.
    const handler = createModuleHandler(module, { logger, isChecked: true });
    return { handler, close: async () => (module === loaded.module ? undefined : await module.close()) };
  };
}

/** Loads the default export of a module named in the configuration, found as modules with tools are. */
export async function loadDefault(specifier: string, configPath: string): Promise<unknown> {
  const loaded = (await import(locateModule(specifier, configPath))) as { readonly default?: unknown };
  if (loaded.default !== undefined) return loaded.default;
  throw new GatewayError('INVALID_CONFIG', `Cannot use "${specifier}": it has no default export`);
}

/** Where a module lies: a file relative to the configuration, or a package found from there or from the gateway itself. */
export function locateModule(specifier: string, configPath: string): string {
  const folder = dirname(resolve(configPath));
  if (specifier.startsWith('.') || isAbsolute(specifier)) return pathToFileURL(resolve(folder, specifier)).href;
  for (const base of [resolve(configPath), import.meta.filename]) {
    try {
      return pathToFileURL(createRequire(base).resolve(specifier)).href;
    } catch (error) {
      if (
        !(
          error instanceof Error &&
          'code' in error &&
          (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED')
        )
      )
        throw error;
    }
  }
  return specifier;
}
