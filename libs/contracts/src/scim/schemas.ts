/** URNs of SCIM schemas (RFC 7643, RFC 7644). */
export const SCIM_USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const SCIM_ENTERPRISE_USER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const SCIM_GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** Resources in one answer: the default and the limit. */
export const SCIM_PAGE = { usual: 100, most: 200 } as const;
