import { Controller } from '@nestjs/common';
import { emailTemplates, type Call } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { EmailTemplate, type EmailTemplateRow } from './email-template.entity.js';

const base = plainResource(emailTemplates, {
  entity: EmailTemplate,
  shown: ['name', 'subject', 'body', 'visibility', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: () => ({ visibility: 'shared' }),
  whileOwnerActive: ['visibility'],
});

@Controller()
export class EmailTemplateController extends base {
  override async prepare(call: Call): Promise<Partial<EmailTemplateRow>> {
    return { visibility: 'private', ...(await super.prepare(call)) };
  }
}
