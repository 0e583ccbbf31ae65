import { Flag, Id, Moment, Nested, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

/** The token in use and its replacement. */
export const SCIM_TOKENS_AT_ONCE = 2;

export class NewScimToken {
  @Text({ about: 'Distinguishes the tokens: an account has at most two.' }) name: string;
}

export class ScimToken {
  @Id() id: string;
  @Text() name: string;
  @Nested(() => UserView, {
    nullable: true,
    about: 'Who created the token. Null for a token from before the creator was recorded.',
  })
  createdBy: UserView | null;
  @Flag({ about: 'The creator has left and may know the token: an owner should replace it.' })
  creatorHasLeft: boolean;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) lastUsedAt: string | null;
}

export class CreatedScimToken extends ScimToken {
  @Text({ about: 'For the identity provider. Shown only once.' }) token: string;
}

const ofManagers = { service: 'identity', path: '/v1/account/scim-tokens', access: MANAGERS } as const;

export const scimTokensCreate = operation<CreatedScimToken, NewScimToken>({
  ...ofManagers,
  id: 'scim-tokens.create',
  method: 'POST',
  summary: 'Create a token for an identity provider that manages users and teams through SCIM',
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
