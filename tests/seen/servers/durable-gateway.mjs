// A gateway over a store in a file. Arguments: configuration file, data folder, file of the store. Says its address on stdout.
import { createLogger } from '../../../apps/gateway/dist/log/create-logger.js';
import { createGateway } from '../../../apps/gateway/dist/compose.js';
import { parseGatewayConfig } from '../../../packages/core/dist/index.js';
import { openFileStore } from './file-store.mjs';

const [configPath, dataDir, storeFile] = process.argv.slice(2);
const logger = createLogger(parseGatewayConfig({}).log, { dataDir, stderr: process.stderr });
const gateway = await createGateway({
  configPath,
  dataDir,
  environment: process.env,
  logger,
  port: 0,
  openStore: () => openFileStore(storeFile),
});
const { url } = await gateway.listen();
process.stdout.write(`${url}\n`);
process.on('SIGTERM', () => void gateway.close(1_000).then(() => process.exit(0)));
