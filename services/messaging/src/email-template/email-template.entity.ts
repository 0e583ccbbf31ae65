import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { EmailVisibility } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const EmailTemplate = defineEntity({
  name: 'EmailTemplate',
  tableName: 'email_template',
  properties: {
    ...tenantRow(),
    name: p.text(),
    subject: p.text(),
    body: p.text(),
    visibility: p.text().$type<EmailVisibility>(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type EmailTemplateRow = InferEntity<typeof EmailTemplate>;
