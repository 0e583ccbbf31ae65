import type { ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { emailTemplates, type Call, type EmailTemplateQuery, type NoBody } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { requireVisible, visibleTo } from '../visibility.js';
import { EmailTemplate, type EmailTemplateRow } from './email-template.entity.js';

const base = plainResource(emailTemplates, {
  entity: EmailTemplate,
  shown: ['name', 'subject', 'body', 'visibility', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class EmailTemplateController extends base {
  override async prepare(call: Call): Promise<Partial<EmailTemplateRow>> {
    return { visibility: 'private', ...(await super.prepare(call)) };
  }

  override filter(call: Call<NoBody, EmailTemplateQuery>): ObjectQuery<EmailTemplateRow> {
    return { ...super.filter(call), ...visibleTo(call.principal) };
  }

  override async find(call: Pick<Call, 'principal' | 'params'>): Promise<EmailTemplateRow> {
    const template = await super.find(call);
    requireVisible(template, call.principal);
    return template;
  }
}
