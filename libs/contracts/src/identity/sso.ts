import { Flag, Id, Link, ListOf, Moment, OneOf, Text, Texts, Url } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS, type Role } from '../principal.js';

/** The roles that an identity provider may give to people whom it lets in for the first time. */
export const JUST_IN_TIME_ROLES = ['admin', 'agent'] as const satisfies readonly Role[];
export type JustInTimeRole = (typeof JUST_IN_TIME_ROLES)[number];

const DOMAIN = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;
/** The most email domains of an account. */
const MOST_DOMAINS = 20;

export class SsoChange {
  @Url({ about: 'The provider’s issuer. It has to answer `/.well-known/openid-configuration` below it.' })
  issuer: string;
  @Text({ max: 500 }) clientId: string;
  @Text({
    optional: true,
    max: 2_000,
    about: 'Left out: the present one is kept, unless issuer or client id change.',
  })
  clientSecret?: string;
  @Texts(DOMAIN, 'a domain in lower case, like example.com', {
    max: MOST_DOMAINS,
    about:
      'The domains of the email addresses that the provider vouches for. Each counts once its TXT record is found.',
  })
  domains: string[];
  @OneOf(JUST_IN_TIME_ROLES, {
    optional: true,
    nullable: true,
    about: 'The role of people whom the provider lets in without an invitation. Default: null, which lets none in.',
  })
  justInTimeRole?: JustInTimeRole | null;
  @Flag({
    optional: true,
    about:
      'Whether passwords no longer count, except that of the break-glass owner. Needs a verified domain. Sessions that are ' +
      'open stay open. Default: false.',
  })
  enforced?: boolean;
  @Id({
    optional: true,
    nullable: true,
    about: 'An active owner with a password, who can sign in with it if the provider fails. Required if `enforced`.',
  })
  breakGlassOwnerId?: string | null;
}

export class SsoDomain {
  @Text({ max: 253 }) domain: string;
  @Flag({ about: 'Whether the account has proved that the domain is its own.' }) verified: boolean;
  @Text({ max: 300, about: 'The name of the TXT record that proves it.' }) recordName: string;
  @Text({ about: 'The text of the record.' }) recordValue: string;
}

export class Sso {
  @Url() issuer: string;
  @Text({ max: 500 }) clientId: string;
  @Flag({ about: 'Whether a client secret is stored. It is never shown.' }) hasClientSecret: boolean;
  @ListOf(() => SsoDomain, { max: MOST_DOMAINS }) domains: SsoDomain[];
  @OneOf(JUST_IN_TIME_ROLES, { nullable: true }) justInTimeRole: JustInTimeRole | null;
  @Flag() enforced: boolean;
  @Id({ nullable: true }) breakGlassOwnerId: string | null;
  @Link({ about: 'Register it with the provider as the redirect URI.' }) redirectUri: string;
  @Link({ about: 'Where people of this account begin to sign in.' }) startUrl: string;
  @Link({ about: 'For OpenID Connect Back-Channel Logout.' }) backchannelLogoutUri: string;
  @Link({ about: 'For Okta Universal Logout.' }) globalLogoutUri: string;
  @Moment() updatedAt: string;
}

const sso = { service: 'identity', path: '/v1/account/sso', access: ['owner'] } as const;

export const ssoGet = operation<Sso>({
  ...sso,
  id: 'sso.get',
  method: 'GET',
  summary: 'Read the set-up of single sign-on',
  answer: Sso,
  errors: ['not-found'],
});

export const ssoPut = operation<Sso, SsoChange>({
  ...sso,
  id: 'sso.put',
  method: 'PUT',
  summary: 'Set up single sign-on with OpenID Connect',
  body: SsoChange,
  answer: Sso,
  // The provider and the DNS are asked.
  timeout: 30_000,
  errors: ['step-up-required', 'sso-provider-refused', 'conflict'],
});

export const ssoRemove = operation({
  ...sso,
  id: 'sso.remove',
  method: 'DELETE',
  summary: 'Remove single sign-on, with its domains and links; everybody signs in with a password again',
  errors: ['not-found', 'step-up-required'],
});

export const ssoDomainsVerify = operation<Sso>({
  ...sso,
  id: 'sso.domains.verify',
  method: 'POST',
  path: `${sso.path}/verify-domains`,
  summary: 'Look up the TXT records of the domains that are not verified yet',
  answer: Sso,
  status: 200,
  timeout: 30_000,
  errors: ['not-found', 'conflict'],
});

export const usersSsoLinkRemove = operation({
  service: 'identity',
  id: 'users.sso-link.remove',
  method: 'DELETE',
  path: '/v1/users/:id/sso-link',
  access: MANAGERS,
  summary: 'Unlink a user from the person at the identity provider, and end the sessions that it has begun',
  errors: ['forbidden', 'not-found', 'step-up-required'],
});

type SsoStep = 'start' | 'callback' | 'backchannel-logout' | 'global-token-revocation';

/** The paths of an account for its people and its provider. */
export const ssoPathOf = (accountId: string, step: SsoStep): string => `/v1/auth/sso/${accountId}/${step}`;
