import { isUuid, type ScimObject } from '#libs/contracts';
import {
  attributeKey,
  attributeOf,
  attributesIn,
  attributesOf,
  GROUP_TYPE,
  isObject,
  parentKey,
  scimProblem,
  selectValues,
  stringValue,
  type PatchOperation,
} from '#libs/scim';

const MEMBER = attributesOf(GROUP_TYPE).find(({ name }) => name === 'members')!.subAttributes!;

/** The attributes that a request assigns. Null unassigns an attribute. */
export interface GroupAttributes {
  displayName?: string;
  externalId?: string | null;
  /** By their ids. */
  members?: Members;
}

type Members = Map<string, ScimMember>;

/** A member as the group shows it. */
export interface ScimMember extends ScimObject {
  value: string;
}

/** The members of a group before a request. */
export interface PresentMembers {
  members: ReadonlyMap<string, ScimMember>;
  /** Converts a user that the request adds to a member. */
  show: (id: string) => ScimMember;
}

/** @throws Problem `validation` with a `scimType` */
export function readGroup(body: ScimObject): GroupAttributes {
  const attributes: GroupAttributes = {};
  const nobody: PresentMembers = { members: new Map(), show: (value) => ({ value }) };
  for (const { path, value } of attributesIn(body)) assign(attributes, { op: 'replace', path, value }, nobody);
  return attributes;
}

/** Applies all operations of a PATCH in order. @throws Problem `validation` with a `scimType` */
export function readGroupPatch(operations: readonly PatchOperation[], present: PresentMembers): GroupAttributes {
  const attributes: GroupAttributes = {};
  for (const operation of operations) assign(attributes, operation, present);
  return attributes;
}

const isAboutMembers = ({ path }: PatchOperation): boolean => parentKey(path) === 'members';

/** Ignores attributes that are not stored or are read-only. */
function assign(attributes: GroupAttributes, operation: PatchOperation, present: PresentMembers): void {
  const { op, path } = operation;
  if (isAboutMembers(operation)) {
    attributes.members ??= new Map(present.members);
    changeMembers(operation, attributes.members, present.show);
    return;
  }
  const key = attributeKey(path);
  if (key !== 'displayname' && key !== 'externalid') return;
  if (path.filter) throw scimProblem('invalidPath', `${path.name} has a single value, so its path takes no filter.`);
  const value = op === 'remove' ? null : operation.value;
  if (key === 'externalid') {
    attributes.externalId = stringValue('externalId', value);
    return;
  }
  const displayName = stringValue('displayName', value);
  if (displayName === null) throw scimProblem('invalidValue', 'displayName is required.');
  attributes.displayName = displayName;
}

function changeMembers(operation: PatchOperation, members: Members, show: PresentMembers['show']): void {
  const { op, path, value } = operation;
  if (path.filter) {
    const selected = selectValues(operation, [...members.values()], MEMBER);
    if (op !== 'remove' || path.subAttribute !== undefined)
      throw scimProblem('invalidPath', 'Members selected by a filter can only be removed.');
    for (const member of selected) members.delete(member.value);
    return;
  }
  if (path.subAttribute !== undefined && path.subAttribute !== 'value')
    throw scimProblem('invalidPath', `members.${path.subAttribute} cannot be changed.`);
  const given = memberIds(value);
  // Without a value a removal means all members.
  if (op === 'replace' || (op === 'remove' && (value === undefined || value === null))) members.clear();
  for (const id of given) {
    if (op === 'remove') members.delete(id);
    else members.set(id, show(id));
  }
}

/** The ids that an operation adds. @throws Problem `validation` with `invalidValue` */
export const addedIds = (operation: PatchOperation): string[] =>
  isAboutMembers(operation) && !operation.path.filter && operation.op !== 'remove' ? memberIds(operation.value) : [];

/** @throws Problem `validation` with `invalidValue` for anything but the ids of users */
function memberIds(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return [value].flat().map((member: unknown) => {
    const id = String(isObject(member) ? attributeOf(member, 'value') : member).toLowerCase();
    if (!isUuid(id)) throw scimProblem('invalidValue', 'The value of a member must be the id of a user.');
    return id;
  });
}
