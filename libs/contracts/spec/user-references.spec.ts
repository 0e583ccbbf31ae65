import { describe, expect, it } from '@jest/globals';
import { fieldsOf, type Class } from '../src/fields/registry.js';
import { ALL_OPERATIONS, UserView, type Operation } from '../src/index.js';
import { UNCHANGEABLE } from './unchangeable-references.js';

const resourceOf = ({ id }: Operation) => id.slice(0, id.indexOf('.'));

/** The fields of a class that show users, also in nested objects. */
function usersIn(type: Class, seen: readonly Class[] = []): string[] {
  return [...fieldsOf(type)].flatMap(([name, { nested }]) => {
    const inner = nested?.();
    if (!inner || seen.includes(inner)) return [];
    return inner === UserView ? [name] : usersIn(inner, [...seen, inner]).map((below) => `${name}.${below}`);
  });
}

/** `owner` is named by `ownerId`, `members` by `memberIds`, `assignee` and `trigger.users` by their first part. */
const isNamedIn = (body: Class, shown: string) => {
  const [name] = shown.split('.') as [string];
  return [name, `${name}Id`, `${name.replace(/s$/, '')}Ids`].some((one) => fieldsOf(body).has(one));
};

const byId = new Map(ALL_OPERATIONS.map((one) => [one.id, one]));

/** The operation whose answer shows a record of the resource, or a page of them. */
const showing = (resource: string) => byId.get(`${resource}.get`) ?? byId.get(`${resource}.list`);

/** References to users that the records show: `dashboards owner`. */
const references = [...new Set(ALL_OPERATIONS.map(resourceOf))]
  .flatMap((resource) => {
    const { answer } = showing(resource) ?? {};
    return answer ? usersIn(answer as Class).map((field) => `${resource} ${field.replace('items.', '')}`) : [];
  })
  .sort();

const changes = ALL_OPERATIONS.filter(({ method }) => method === 'PATCH' || method === 'PUT');

function isChangeable(reference: string): boolean {
  const [resource, field] = reference.split(' ') as [string, string];
  return changes.some((one) => resourceOf(one) === resource && one.body !== undefined && isNamedIn(one.body, field));
}

describe('a user whom a record shows', () => {
  it('is changed by a PATCH or PUT, or UNCHANGEABLE says why not', () => {
    const fixed = references.filter((reference) => !isChangeable(reference));
    expect(fixed).toEqual(Object.keys(UNCHANGEABLE).sort());
  });

  it('is found in the records of every service', () => {
    expect(references).toEqual(expect.arrayContaining(['dashboards owner', 'automations trigger.users', 'calls user']));
    expect(isChangeable('dashboards owner')).toBe(true);
    expect(isChangeable('notes author')).toBe(false);
  });
});
