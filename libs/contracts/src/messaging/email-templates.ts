import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

/** Only the owner sees a private one. */
export const EMAIL_VISIBILITIES = ['shared', 'private'] as const;
export type EmailVisibility = (typeof EMAIL_VISIBILITIES)[number];

export class NewEmailTemplate {
  @Text() name: string;
  @Text({ min: 0, max: 500 }) subject: string;
  @Text({ min: 0, max: 10_000 }) body: string;

  @OneOf(EMAIL_VISIBILITIES, { optional: true, about: 'Default: `private`, visible to the owner only.' })
  visibility?: EmailVisibility;

  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
}

export class EmailTemplateChanges {
  @Text({ optional: true }) name?: string;
  @Text({ optional: true, min: 0, max: 500 }) subject?: string;
  @Text({ optional: true, min: 0, max: 10_000 }) body?: string;
  @OneOf(EMAIL_VISIBILITIES, { optional: true }) visibility?: EmailVisibility;
  @Id({ optional: true, about: 'Hands it over to this user. A private one is then visible to them only.' })
  ownerId?: string;
}

export class EmailTemplate {
  @Id() id: string;
  @Text() name: string;
  @Text({ min: 0, max: 500 }) subject: string;
  @Text({ min: 0, max: 10_000 }) body: string;
  @OneOf(EMAIL_VISIBILITIES) visibility: EmailVisibility;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class EmailTemplateQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(EMAIL_VISIBILITIES, { optional: true }) visibility?: EmailVisibility;
}

export const emailTemplates = resource({
  service: 'messaging',
  path: '/v1/email-templates',
  access: {
    create: 'signed-in',
    list: 'signed-in',
    get: 'record-owner',
    remove: 'record-owner',
    update: 'record-owner',
  },
  noun: 'an email template',
  plural: 'email templates',
  thing: EmailTemplate,
  create: NewEmailTemplate,
  query: EmailTemplateQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: EmailTemplateChanges,
  updateSummary: 'Change an email template, or hand it over to another user',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});
