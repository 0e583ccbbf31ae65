import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

export const SIGNATURE_PROVIDERS = ['built-in', 'docusign'] as const;
export type SignatureProvider = (typeof SIGNATURE_PROVIDERS)[number];

export const DEAL_AUDIENCES = ['everyone', 'owner-and-managers'] as const;
export type DealAudience = (typeof DEAL_AUDIENCES)[number];

const AUDIENCE = 'Who may see the deal: everybody in the account, or only who sent this for signing and managers.';

export class NewSignature {
  @Id({ optional: true, nullable: true, about: 'The document, if it is one of ours.' }) documentId?: string | null;
  @Id({ about: 'The deal in which it was sent.' }) dealId: string;
  @OneOf(DEAL_AUDIENCES, { optional: true, about: `${AUDIENCE} \`everyone\` unless given.` })
  dealVisibleTo?: DealAudience;
  @Text() title: string;
  @OneOf(SIGNATURE_PROVIDERS, { optional: true, about: '`built-in` unless given.' }) provider?: SignatureProvider;
  @Id({ optional: true, about: 'Who sends it; the caller unless given.' }) ownerId?: string;
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
  @PersonFilter('Id of who sent it, or `me`.') ownerId?: string;
  @Id({ optional: true }) dealId?: string;
  @OneOf(SIGNATURE_PROVIDERS, { optional: true }) provider?: SignatureProvider;
}

/** Only for whoever may see the deal; a list leaves out the others. */
export const signatures = resource({
  service: 'integrations',
  path: '/v1/signatures',
  noun: 'a document sent for signing in a deal that one may see',
  thing: Signature,
  create: NewSignature,
  query: SignatureQuery,
  errors: ['forbidden', 'unknown-reference', 'unknown-user', 'inactive-user'],
});
