import type { ScimObject } from '#libs/contracts';
import { SCIM_CORE } from '#libs/scim';

/** Number of resources in one list response. */
export const PAGE_SIZE = { default: 100, max: 200 } as const;

/** What this server supports (RFC 7643, 5). */
export const SERVICE_PROVIDER_CONFIG: ScimObject = {
  schemas: [`${SCIM_CORE}:ServiceProviderConfig`],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: PAGE_SIZE.max },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'A SCIM token of the account, created at /v1/account/scim-tokens.',
      specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
      primary: true,
    },
  ],
};
