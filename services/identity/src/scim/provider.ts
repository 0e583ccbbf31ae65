import type { Principal } from '#libs/contracts';

/**
 * An account's identity provider. Its role is `admin`, so nothing that it asks for can touch an owner; only offboarding is
 * done with the rights of an owner.
 */
export interface Provider extends Principal {
  /** `scim:<id of the token>`, as the audit trail stores it. */
  system: string;
  tokenId: string;
  /** Who created the token, and may know it; null if that was not recorded. */
  createdBy: string | null;
  /** The creator has left and the policy has kept the token: it can take access away, and give none. */
  onlyOffboards: boolean;
}

/** For handlers of an identity provider's requests: the account is that of the token. */
export const KNOWN_BY_TOKEN = { acrossAccounts: 'An identity provider is known only by its token.' } as const;

/** The provider, for a decision that takes access away. It may be about an owner. */
export const asOwner = (provider: Provider): Provider => ({ ...provider, roles: ['owner'] });

interface Target {
  id: string;
  is_owner: boolean;
}

const CREATOR_HAS_LEFT =
  'The user who created this SCIM token has left. It can only read, deactivate and delete; an owner has to replace it.';
const OWNER = 'An identity provider cannot let an owner in. Another owner can do this in the REST API.';
const CREATOR = 'A SCIM token cannot let in the user who created it. Another owner can do this in the REST API.';

/**
 * Why the provider may not change what lets this user in: status, address, password, roles. Undefined if it may.
 * @param target undefined for a new user
 */
export function refusalOf({ onlyOffboards, createdBy }: Provider, target?: Target): string | undefined {
  if (onlyOffboards) return CREATOR_HAS_LEFT;
  if (target?.is_owner) return OWNER;
  return target !== undefined && target.id === createdBy ? CREATOR : undefined;
}
