import { expect, test } from 'vitest';
import { createTemplateMatcher } from './uri-template.ts';

test.each([
  ['test://template/{id}/data', 'test://template/123/data', true],
  ['test://template/{id}/data', 'test://template/1/2/data', false],
  ['test://template/{id}/data', 'test://template/123/other', false],
  ['file:///{+path}', 'file:///a/b/c.txt', true],
  ['file:///{path}', 'file:///a/b', false],
  ['x://{a}/{b}', 'x://1/2', true],
  ['x://plain', 'x://plain', true],
  ['x://plain', 'x://plainer', false],
  ['x://s{?q,page}', 'x://s?q=1&page=2', true],
])('the template %s and the URI %s: %s', (template, uri, fits) => {
  expect(createTemplateMatcher(template)(uri)).toBe(fits);
});
