import type { ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { linkedEmails, type Call, type LinkedEmailQuery, type NoBody } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { requireVisible, visibleTo } from '../visibility.js';
import { LinkedEmail, type LinkedEmailRow } from './email.entity.js';

const base = plainResource(linkedEmails, {
  entity: LinkedEmail,
  shown: ['recordId', 'subject', 'body', 'visibility', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

/** The record id is not checked, because records belong to another service. */
@Controller()
export class LinkedEmailController extends base {
  override async prepare(call: Call): Promise<Partial<LinkedEmailRow>> {
    return { visibility: 'private', ...(await super.prepare(call)) };
  }

  override filter(call: Call<NoBody, LinkedEmailQuery>): ObjectQuery<LinkedEmailRow> {
    return { ...super.filter(call), ...visibleTo(call.principal) };
  }

  override async find(call: Pick<Call, 'principal' | 'params'>): Promise<LinkedEmailRow> {
    const email = await super.find(call);
    requireVisible(email, call.principal);
    return email;
  }
}
