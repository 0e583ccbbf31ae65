import { etagOf, SCIM_ENTERPRISE_USER, SCIM_USER } from '#libs/scim';
import { isoOf } from '../../common/moments.js';
import { fullName, splitName, type NameParts, type ScimProfile } from './scim-profile.js';
import type { ScimResource } from '../responses.js';
import type { ScimUserRow } from './scim-user-rows.js';

export const partsOf = ({ scim_name, name }: ScimUserRow): NameParts =>
  scim_name === null ? splitName(name) : (JSON.parse(scim_name) as NameParts);

export function profileOf(row: ScimUserRow): ScimProfile {
  return {
    userName: row.user_name,
    email: row.email,
    displayName: row.name,
    name: partsOf(row),
    externalId: row.external_id,
    staffId: row.staff_id,
    manager: row.manager?.id ?? null,
  };
}

/** Invited users count as active, because they use a seat and can accept the invitation. */
export function toScimUser(row: ScimUserRow): ScimResource {
  const parts = partsOf(row);
  const user = {
    schemas: [SCIM_USER, SCIM_ENTERPRISE_USER],
    id: row.id,
    ...(row.external_id !== null && { externalId: row.external_id }),
    userName: row.user_name,
    name: { ...parts, formatted: fullName(parts) ?? row.name },
    displayName: row.name,
    emails: [{ value: row.email, type: 'work', primary: true }],
    active: row.active,
    groups: row.teams.map((team) => ({ value: team.id, display: team.name, type: 'direct' })),
    [SCIM_ENTERPRISE_USER]: {
      employeeNumber: row.staff_id,
      ...(row.manager && { manager: { value: row.manager.id, displayName: row.manager.name } }),
    },
  };
  const meta = { resourceType: 'User', created: isoOf(row.created_at), lastModified: isoOf(row.updated_at) };
  return { ...user, meta: { ...meta, version: etagOf([user, meta]) } };
}
