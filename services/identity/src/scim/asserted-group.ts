import type { ScimObject } from '#libs/contracts';
import { filter as matcher, parse } from 'scim2-parse-filter';
import { attributesIn, parsePath, type AttributePath } from './attribute-path.js';
import { scimProblem } from './faults.js';
import { patchOf, type PatchOperation } from './patch.js';
import { isObject, partIn, textOf } from './values.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a request says about a group. What it does not speak of is absent. */
export interface AssertedGroup {
  displayName?: string;
  externalId?: string | null;
  /** Who are members when the ids given were. */
  members?: (before: ReadonlySet<string>) => ReadonlySet<string>;
}

/** @throws Problem `validation` with SCIM's word for what is wrong */
export function readGroup(body: ScimObject): AssertedGroup {
  return attributesIn(body).reduce<AssertedGroup>(
    (asserted, [path, value]) => ({ ...asserted, ...read(path, { op: 'replace', value }) }),
    {},
  );
}

/** What all operations of a PATCH come to, in their order. @throws Problem `validation` */
export function readGroupPatch(body: ScimObject): AssertedGroup {
  return patchOf(body).reduce<AssertedGroup>((asserted, { op, path, value }) => {
    const told =
      path === undefined
        ? attributesIn(value as ScimObject).map(([known, one]) => read(known, { op, value: one }))
        : [read(parsePath(path), { op, value })];
    return told.reduce(then, asserted);
  }, {});
}

function then(first: AssertedGroup, next: AssertedGroup): AssertedGroup {
  const { members: earlier } = first;
  const { members: later } = next;
  const members = earlier && later ? (before: ReadonlySet<string>) => later(earlier(before)) : (later ?? earlier);
  return { ...first, ...next, ...(members && { members }) };
}

function read(path: AttributePath, { op, value }: Omit<PatchOperation, 'path'>): AssertedGroup {
  const said = op === 'remove' ? null : value;
  switch (path.name) {
    case 'displayname': {
      const displayName = textOf('displayName', said);
      if (displayName === null) throw scimProblem('invalidValue', 'displayName is required.');
      return { displayName };
    }
    case 'externalid':
      return { externalId: textOf('externalId', said) };
    case 'members':
      return { members: membersAfter(path, op, value) };
    default:
      return {};
  }
}

function membersAfter({ filter }: AttributePath, op: PatchOperation['op'], value: unknown): AssertedGroup['members'] {
  if (filter !== undefined) {
    const matches = chooser(filter);
    if (op !== 'remove')
      throw scimProblem('invalidPath', 'Members chosen by a filter can be removed, and not changed.');
    return (before) => new Set([...before].filter((id) => !matches({ value: id, type: 'User' })));
  }
  const ids = idsIn(value);
  if (op === 'add') return (before) => new Set([...before, ...ids]);
  if (op === 'replace') return () => new Set(ids);
  // Without members in the value the path alone is meant: all of them.
  if (value === undefined || value === null) return () => new Set();
  return (before) => without(before, new Set(ids));
}

/** Those of them who are not among the others. */
export const without = (ids: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...ids].filter((id) => !others.has(id)));

/** @throws Problem `validation` with `invalidValue` for what can't be the id of a user */
function idsIn(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return [value].flat().map((member: unknown) => {
    const id = String(isObject(member) ? partIn(member, 'value') : member).toLowerCase();
    if (!UUID.test(id)) throw scimProblem('invalidValue', 'Members are users, each named by the id they have here.');
    return id;
  });
}

function chooser(text: string): (member: object) => boolean {
  try {
    return matcher(parse(text));
  } catch {
    throw scimProblem('invalidPath', 'The filter in the path is not one of RFC 7644.');
  }
}
