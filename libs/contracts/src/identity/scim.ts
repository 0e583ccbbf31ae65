import { Id, Moment, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

/** One in use and one that takes its place. */
export const SCIM_TOKENS_AT_ONCE = 2;

export class NewScimToken {
  @Text({ about: 'To tell it from the other one: an account has two at most.' }) name: string;
}

export class ScimToken {
  @Id() id: string;
  @Text() name: string;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) lastUsedAt: string | null;
}

export class CreatedScimToken extends ScimToken {
  @Text({ about: 'For the identity provider. Shown this once.' }) token: string;
}

const ofManagers = { service: 'identity', path: '/v1/account/scim-tokens', access: MANAGERS } as const;

export const scimTokensCreate = operation<CreatedScimToken, NewScimToken>({
  ...ofManagers,
  id: 'scim-tokens.create',
  method: 'POST',
  summary: 'Create a token with which an identity provider manages the account’s users and teams by SCIM',
  body: NewScimToken,
  answer: CreatedScimToken,
  errors: ['conflict'],
});

export const scimTokensList = operation<Page<ScimToken>, NoBody, ListQuery>({
  ...ofManagers,
  id: 'scim-tokens.list',
  method: 'GET',
  summary: 'List the SCIM tokens',
  query: ListQuery,
  answer: pageOf(ScimToken),
});

export const scimTokensRevoke = operation({
  ...ofManagers,
  id: 'scim-tokens.revoke',
  method: 'DELETE',
  path: `${ofManagers.path}/:id`,
  summary: 'Revoke a SCIM token',
  errors: ['not-found'],
});
