import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';
import { EMAIL_VISIBILITIES, type EmailVisibility } from './email-templates.js';

export class NewLinkedEmail {
  @Id({ about: 'Not checked: records belong to another service.' }) recordId: string;
  @Text({ min: 0, max: 500 }) subject: string;
  @Text({ min: 0, max: 10_000 }) body: string;

  @OneOf(EMAIL_VISIBILITIES, { optional: true, about: 'Default: `private`, visible to the owner only.' })
  visibility?: EmailVisibility;

  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
}

export class LinkedEmail {
  @Id() id: string;
  @Id() recordId: string;
  @Text({ min: 0, max: 500 }) subject: string;
  @Text({ min: 0, max: 10_000 }) body: string;
  @OneOf(EMAIL_VISIBILITIES) visibility: EmailVisibility;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class LinkedEmailQuery extends ListQuery {
  @Id({ optional: true }) recordId?: string;
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(EMAIL_VISIBILITIES, { optional: true }) visibility?: EmailVisibility;
}

export const linkedEmails = resource({
  service: 'messaging',
  path: '/v1/emails',
  access: { create: 'signed-in', list: 'signed-in', get: 'record-owner', remove: 'record-owner' },
  noun: 'an email linked to a record',
  plural: 'emails linked to records',
  thing: LinkedEmail,
  create: NewLinkedEmail,
  query: LinkedEmailQuery,
  errors: ['unknown-user', 'inactive-user'],
});
