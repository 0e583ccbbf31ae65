import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import {
  contactsNamed,
  contactsToTell,
  numbersForTelling,
  type DeparturePreview,
  type PreviewWarning,
  type RuleDescription,
} from '#libs/contracts';
import type { Plan } from '../planner.js';

type ToTell = Pick<DeparturePreview, 'contactsToTell' | 'contactsToTellTotal'>;

/** A leaver, and the rules of all services. */
interface Leaver {
  accountId: string;
  userId: string;
  catalogue: readonly Pick<RuleDescription, 'service'>[];
}

export interface FoundContact {
  contactId: string;
  name: string | null;
  phone: string | null;
  lastMessageAt: string;
  assigneeId: string | null;
}

const NUMBERS = 'telephony.numbers';
const NO_NUMBER =
  'The user has no personal number. Check from which number the carrier would send the text to the contacts.';

const THREADS = 'messaging.personal-threads';
const NO_CARRIER = 'No carrier is set up. The text to the contacts is recorded as sent but reaches nobody.';

export const NOBODY_TO_TELL: ToTell = { contactsToTell: [], contactsToTellTotal: 0 };

/** Finds the contacts with whom a leaver has been in touch. */
@Injectable()
export class ContactsOfLeaver {
  constructor(private readonly client: ServiceClient) {}

  /**
   * The contacts, and why a text to them may not arrive. Empty if the messaging service has not declared rules or is away; without
   * names if the service that has them is away.
   * @param away services that do not answer
   */
  async of(plan: Plan, away: ReadonlySet<string>): Promise<{ toTell: ToTell; warnings: PreviewWarning[] }> {
    const { user, catalogue } = plan;
    const found = await this.find({ accountId: user.account_id, userId: user.id, catalogue }, away);
    const toTell = {
      contactsToTell: found.contacts.map(({ assigneeId: _assigneeId, ...shown }) => shown),
      contactsToTellTotal: found.total,
    };
    return { toTell, warnings: plan.tellContacts ? await this.warnings(plan, found, away) : [] };
  }

  private async warnings(
    { user, catalogue }: Plan,
    { total, sandbox }: { total: number; sandbox?: boolean },
    away: ReadonlySet<string>,
  ): Promise<PreviewWarning[]> {
    if (total === 0) return [{ rule: THREADS, detail: 'The user has no contacts to tell: the text is not sent.' }];
    const warnings = sandbox ? [{ rule: THREADS, detail: NO_CARRIER }] : [];
    const { service } = numbersForTelling;
    if (away.has(service) || !catalogue.some((rule) => rule.service === service)) return warnings;
    const { owned } = await this.client.ask(numbersForTelling, { accountId: user.account_id, userId: user.id });
    return owned > 0 ? warnings : [...warnings, { rule: NUMBERS, detail: NO_NUMBER }];
  }

  /**
   * The contacts with the users whom they are assigned to now.
   * @throws Problem `service-unavailable` naming a service that does not answer
   */
  async find(
    { accountId, userId, catalogue }: Leaver,
    away: ReadonlySet<string> = new Set(),
  ): Promise<{ contacts: FoundContact[]; total: number; sandbox?: boolean }> {
    const { service } = contactsToTell;
    const none = { contacts: [], total: 0 };
    if (away.has(service) || !catalogue.some((rule) => rule.service === service)) return none;
    const { contacts, total, sandbox } = await this.client.ask(contactsToTell, { accountId, userId });
    if (contacts.length === 0) return none;
    const contactIds = contacts.map(({ contactId }) => contactId);
    const named = away.has(contactsNamed.service)
      ? { contacts: [] }
      : await this.client.ask(contactsNamed, { accountId, contactIds });
    const byId = new Map(named.contacts.map((contact) => [contact.id, contact]));
    // A contact that has been deleted stays in the list, because its messages are still there.
    const found = contacts.map(({ contactId, lastMessageAt }) => {
      const { name = null, phone = null, assigneeId = null } = byId.get(contactId) ?? {};
      return { contactId, name, phone, lastMessageAt, assigneeId };
    });
    return { contacts: found, total, sandbox };
  }
}
