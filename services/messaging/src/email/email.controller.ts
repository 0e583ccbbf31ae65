import { Controller } from '@nestjs/common';
import { linkedEmails, type Call } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { LinkedEmail, type LinkedEmailRow } from './email.entity.js';

const base = plainResource(linkedEmails, {
  entity: LinkedEmail,
  shown: ['recordId', 'subject', 'body', 'visibility', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: () => ({ visibility: 'shared' }),
});

/** The record id is not checked, because records belong to another service. */
@Controller()
export class LinkedEmailController extends base {
  override async prepare(call: Call): Promise<Partial<LinkedEmailRow>> {
    return { visibility: 'private', ...(await super.prepare(call)) };
  }
}
