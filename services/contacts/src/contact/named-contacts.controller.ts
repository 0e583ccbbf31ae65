import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { contactsNamed, type NamedContact } from '#libs/contracts';
import { Contact } from './contact.entity.js';

/** Returns the names and phone numbers of contacts to services that store only their ids. */
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
    return { contacts: rows.map(({ id, name, phone }) => ({ id, name: name ?? null, phone: phone ?? null })) };
  }
}
