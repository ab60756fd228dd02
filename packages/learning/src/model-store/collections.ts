// Whoever seals stores knows them by how they begin.
export const CHUNKS = 'learning.chunks';
export const COMMITS = 'learning.commits';
export const REFS = 'learning.refs';
/** Facts as they came. A log. */
export const FACTS = 'learning.facts';
export const SETTINGS = 'learning.settings';
