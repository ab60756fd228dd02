import { join } from 'node:path';
import { openSqliteStore } from '../../packages/storage/src/store/sqlite-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { seal } from './support/seal.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

const open = (name: string) => openSqliteStore({ path: join(folder(), `${name}.db`) });

describeStore('sqlite', { open, isShared: true });
describeStore('sealed sqlite', { open: async (name) => seal(await open(name)), isShared: true, runs: 10 });
