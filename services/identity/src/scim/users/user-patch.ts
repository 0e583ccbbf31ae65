import type { PatchOperation } from '#libs/scim';
import { profileAfter, type ScimProfile } from './scim-profile.js';
import { assign, type UserAttributes } from './user-attributes.js';

/**
 * Applies all operations of a PATCH in order, and returns the resulting attributes.
 * @throws Problem `validation` with a `scimType`
 */
export function readUserPatch(operations: readonly PatchOperation[], before: ScimProfile): UserAttributes {
  const attributes: UserAttributes = {};
  for (const operation of operations) assign(attributes, operation, profileAfter(before, attributes, false).email);
  return attributes;
}
