/** URNs of SCIM schemas (RFC 7643) and messages (RFC 7644). */
export const SCIM_CORE = 'urn:ietf:params:scim:schemas:core:2.0';
export const SCIM_USER = `${SCIM_CORE}:User`;
export const SCIM_GROUP = `${SCIM_CORE}:Group`;
export const SCIM_ENTERPRISE_USER = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export const SCIM_LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const SCIM_ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
