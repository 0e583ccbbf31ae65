import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { contactsNamed, contactsToTell, type DeparturePreview } from '#libs/contracts';
import type { Plan } from '../planner.js';

type ToTell = Pick<DeparturePreview, 'contactsToTell' | 'contactsToTellTotal'>;

export const NOBODY_TO_TELL: ToTell = { contactsToTell: [], contactsToTellTotal: 0 };

/** Finds the contacts with whom a leaver has been in touch. */
@Injectable()
export class ContactsOfLeaver {
  constructor(private readonly client: ServiceClient) {}

  /**
   * Empty if the messaging service has not declared rules or is away; without names if the service that has them is away.
   * @param away services that do not answer
   */
  async of({ user, catalogue }: Plan, away: ReadonlySet<string>): Promise<ToTell> {
    const { account_id: accountId, id: userId } = user;
    const { service } = contactsToTell;
    if (away.has(service) || !catalogue.some((rule) => rule.service === service)) return NOBODY_TO_TELL;
    const { contacts, total } = await this.client.ask(contactsToTell, { accountId, userId });
    if (contacts.length === 0) return NOBODY_TO_TELL;
    const contactIds = contacts.map(({ contactId }) => contactId);
    const named = away.has(contactsNamed.service)
      ? { contacts: [] }
      : await this.client.ask(contactsNamed, { accountId, contactIds });
    const byId = new Map(named.contacts.map((contact) => [contact.id, contact]));
    // A contact that has been deleted stays in the list, because its messages are still there.
    const shown = contacts.map(({ contactId, lastMessageAt }) => {
      const { name = null, phone = null } = byId.get(contactId) ?? {};
      return { contactId, name, phone, lastMessageAt };
    });
    return { contactsToTell: shown, contactsToTellTotal: total };
  }
}
