import { Handles } from '#libs/broker';
import {
  contacts,
  filtersContacts,
  Problem,
  type AnswerOf,
  type Call,
  type CallOf,
  type NewContact,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { findings } from '../filter/findings.js';
import { Contact, type ContactRow } from './contact.entity.js';

const base = plainResource(contacts, {
  entity: Contact,
  shown: ['externalId', 'name', 'phone', 'email', 'createdAt'],
  people: ['assignee'],
});

@Controller()
export class ContactController extends base {
  /** A new contact has no assignee, whatever the body says: only an import assigns contacts. */
  override async prepare({ body }: Call): Promise<Partial<ContactRow>> {
    const { externalId = null, name = null, phone = null, email = null } = body as NewContact;
    // Trimmed, because imports look contacts up by the trimmed id.
    return { externalId: externalId?.trim() || null, name, phone, email, assignee: null };
  }

  /** @throws Problem `conflict` if another contact has the external id */
  override async insert(call: Pick<Call, 'principal'>, values: Partial<ContactRow>): Promise<ContactRow> {
    return super.insert(call, values).catch((error: unknown) => {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw new Problem('conflict', { detail: 'Another contact has this externalId.' });
    });
  }

  @Handles(filtersContacts)
  async found(call: CallOf<typeof filtersContacts>): Promise<AnswerOf<typeof filtersContacts>> {
    const page = await findings(this, call, Contact);
    return { ...page, items: await this.present(page.items, call) } as AnswerOf<typeof filtersContacts>;
  }
}
