import { nearestOf } from '@signalbox/core';
import { ToolError } from '@signalbox/tools';

/** Every IANA zone this machine knows by its canonical name, sorted, and UTC. */
export function listZones(): readonly string[] {
  return (zones ??= [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])].toSorted());
}

/**
 * The zone of that name in its usual spelling; older names (`Asia/Calcutta`) are known too.
 * @throws ToolError that names near zones.
 */
export function parseZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    const near = nearZones(name);
    const hint =
      near.length === 0
        ? 'use an IANA name such as "Europe/Berlin", or list_timezones to find one'
        : `did you mean ${near.map((zone) => `"${zone}"`).join(' or ')}?`;
    throw new ToolError(`Unknown time zone "${name}"; ${hint}`, { cause: error });
  }
}

/** The zones whose name contains all words of `query`, whatever their case. */
export function findZones(query: string): readonly string[] {
  const words = toKey(query)
    .split(' ')
    .filter((word) => word !== '');
  return listZones().filter((zone) => words.every((word) => toKey(zone).includes(word)));
}

let zones: readonly string[] | undefined;

const MAX_NEAR = 3;

// People name the city ("Berlin", "New York") or slip in a letter ("Europe/Berln").
function nearZones(name: string): readonly string[] {
  const key = toKey(name);
  const cities = listZones().filter((zone) => key !== '' && toKey(cityOf(zone)) === key);
  if (cities.length > 0) return cities.slice(0, MAX_NEAR);
  const whole = nearestOf(name, listZones());
  if (whole !== undefined && toKey(whole).includes('/') === name.includes('/')) return [whole];
  const city = nearestOf(cityOf(name).replaceAll(' ', '_'), listZones().map(cityOf));
  if (city !== undefined)
    return listZones()
      .filter((zone) => cityOf(zone) === city)
      .slice(0, MAX_NEAR);
  return findZones(name).slice(0, MAX_NEAR);
}

function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf('/') + 1);
}

function toKey(text: string): string {
  return text.toLowerCase().replaceAll('_', ' ').trim();
}
