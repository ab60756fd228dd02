// Whoever seals stores knows them by how they begin.
export const PREFIX = 'learning.';
export const CHUNKS = `${PREFIX}chunks`;
export const COMMITS = `${PREFIX}commits`;
export const REFS = `${PREFIX}refs`;
/** Facts as they came. A log. */
export const FACTS = `${PREFIX}facts`;
export const SETTINGS = `${PREFIX}settings`;
/** Gateways that learn in a store that they share, by their ids. */
export const GATEWAYS = `${PREFIX}gateways`;

/** The branch that is in use. */
export const LIVE = 'live';
