import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

export const SIGNATURE_PROVIDERS = ['built-in', 'docusign'] as const;
export type SignatureProvider = (typeof SIGNATURE_PROVIDERS)[number];

export const DEAL_AUDIENCES = ['everyone', 'owner-and-managers'] as const;
export type DealAudience = (typeof DEAL_AUDIENCES)[number];

const AUDIENCE =
  'Who may see the deal: all users of the account, or only the sender and the account’s owners and admins.';

export class NewSignature {
  @Id({ optional: true, nullable: true, about: 'The document, if it is stored in Leaver.' }) documentId?: string | null;
  @Id({ about: 'The deal that it belongs to.' }) dealId: string;
  @OneOf(DEAL_AUDIENCES, { optional: true, about: `${AUDIENCE} Default: \`everyone\`.` })
  dealVisibleTo?: DealAudience;
  @Text() title: string;
  @OneOf(SIGNATURE_PROVIDERS, { optional: true, about: 'Default: `built-in`.' }) provider?: SignatureProvider;
  @Id({ optional: true, about: 'The sender. Default: the signed-in user.' }) ownerId?: string;
}

export class Signature {
  @Id() id: string;
  @Id({ nullable: true }) documentId: string | null;
  @Id() dealId: string;
  @OneOf(DEAL_AUDIENCES, { about: AUDIENCE }) dealVisibleTo: DealAudience;
  @Text() title: string;
  @OneOf(SIGNATURE_PROVIDERS) provider: SignatureProvider;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class SignatureQuery extends ListQuery {
  @PersonFilter('Id of the sender, or `me`.') ownerId?: string;
  @Id({ optional: true }) dealId?: string;
  @OneOf(SIGNATURE_PROVIDERS, { optional: true }) provider?: SignatureProvider;
}

/** For users who may see the deal. Lists leave out the rest. */
export const signatures = resource({
  service: 'integrations',
  path: '/v1/signatures',
  access: OWNED,
  noun: 'a document sent for signing',
  plural: 'the documents sent for signing in deals that you may see',
  thing: Signature,
  create: NewSignature,
  query: SignatureQuery,
  errors: ['forbidden', 'unknown-reference', 'unknown-user', 'inactive-user'],
});
