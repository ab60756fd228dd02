import { join } from 'node:path';
import { openSqliteStore } from '../../packages/storage/src/store/sqlite-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

describeStore('sqlite', { open: (name) => openSqliteStore({ path: join(folder(), `${name}.db`) }), isShared: true });
