/**
 * Upstreams that the gateway brings along have names that no configuration can give.
 * They do not count where it matters how many are configured.
 */
export function isBuiltIn(name: string): boolean {
  return name.startsWith('@');
}
