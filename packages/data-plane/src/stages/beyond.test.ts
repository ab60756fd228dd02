import { expect, test } from 'vitest';
import { isBeyond, isNotificationBeyond } from './beyond.ts';

test('methods of vendors are beyond the specification, and what could be taken for one of its own is not', () => {
  for (const method of ['vendor/echo', 'tools/vendor', 'x', '$/vendor']) expect(isBeyond(method)).toBe(true);
  for (const method of ['tools/call', 'Tools/Call', 'LOGGING/setLevel', 'notifications/vendor/said', 'tools/call ', 'tools/call\0', ''])
    expect(isBeyond(method)).toBe(false);
});

test('so are notifications of vendors, which begin as all do', () => {
  for (const method of ['notifications/vendor/said', 'notifications/x']) expect(isNotificationBeyond(method)).toBe(true);
  for (const method of [
    'notifications/initialized',
    'Notifications/Cancelled',
    'notifications/roots/list_changed',
    'notifications/x\n',
    'vendor/said',
    'tools/call',
  ])
    expect(isNotificationBeyond(method)).toBe(false);
});
