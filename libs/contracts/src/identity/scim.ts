import { Flag, Id, Moment, Nested, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';

/** The token in use and its replacement. */
export const SCIM_TOKENS_AT_ONCE = 2;

export class NewScimToken {
  @Text({ about: 'Distinguishes the tokens: an account has at most two.' }) name: string;
  @Moment({ optional: true, about: 'Default, and at most: in a year.' }) expiresAt?: string;
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
  @Moment({ about: 'Replace the token before: provisioning with it stops.' }) expiresAt: string;
}

export class CreatedScimToken extends ScimToken {
  @Text({ about: 'For the identity provider. Shown only once.' }) token: string;
}

const ofOwners = { service: 'identity', path: '/v1/account/scim-tokens', access: ['owner'] } as const;

export const scimTokensCreate = operation<CreatedScimToken, NewScimToken>({
  ...ofOwners,
  id: 'scim-tokens.create',
  method: 'POST',
  summary: 'Create a token for an identity provider that manages users and teams through SCIM',
  body: NewScimToken,
  answer: CreatedScimToken,
  errors: ['conflict', 'step-up-required'],
});

export const scimTokensList = operation<Page<ScimToken>, NoBody, ListQuery>({
  ...ofOwners,
  id: 'scim-tokens.list',
  method: 'GET',
  summary: 'List the SCIM tokens',
  query: ListQuery,
  answer: pageOf(ScimToken),
});

export const scimTokensRevoke = operation({
  ...ofOwners,
  id: 'scim-tokens.revoke',
  method: 'DELETE',
  path: `${ofOwners.path}/:id`,
  summary: 'Revoke a SCIM token',
  errors: ['not-found'],
});
