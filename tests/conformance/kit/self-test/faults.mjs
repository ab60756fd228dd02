import { resourceFaults } from './fault-tables/content.mjs';
import { toolFaults } from './fault-tables/tools.mjs';
import { trafficFaults } from './fault-tables/traffic.mjs';

/**
 * Everything that goes wrong in the proxy, one fault at a time, and the group whose checks have to notice.
 * `client` names the generation that a fault concerns; without one it is tried in both.
 * @type {(import('./proxy.mjs').Fault & { group: string, client?: 'modern' | 'handshake' })[]}
 */
export const faults = [...toolFaults, ...resourceFaults, ...trafficFaults];
