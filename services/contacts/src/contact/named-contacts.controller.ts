import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { contactsNamed, type NamedContact } from '#libs/contracts';
import { Contact, type ContactRow } from './contact.entity.js';

/** Returns the names, phone numbers and assignees of contacts to services that store only their ids. */
@Controller()
export class NamedContactsController {
  constructor(private readonly em: EntityManager) {}

  @Answers(contactsNamed)
  async find({
    accountId,
    contactIds,
  }: {
    accountId: string;
    contactIds: string[];
  }): Promise<{ contacts: NamedContact[] }> {
    const rows = await this.em.find(Contact, { accountId, id: { $in: contactIds } }, { orderBy: { id: 'asc' } });
    return { contacts: rows.map(viewOf) };
  }
}

const viewOf = ({ id, name, phone, assignee }: ContactRow): NamedContact => ({
  id,
  name: name ?? null,
  phone: phone ?? null,
  assigneeId: assignee ?? null,
});
