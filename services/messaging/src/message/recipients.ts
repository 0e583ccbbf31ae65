import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { contactsFor, MOST_RECIPIENTS, Problem, type Recipient, type RecipientsWanted } from '#libs/contracts';

export type Audience = Pick<RecipientsWanted, 'accountId' | 'contactIds' | 'segmentId' | 'assignee'>;

/** Asks the contacts service for the recipients of messages. */
@Injectable()
export class Recipients {
  constructor(private readonly services: ServiceClient) {}

  /**
   * Returns all recipients.
   * @throws Problem `unknown-reference` if contacts or the segment do not exist, `no-assigned-contacts`,
   *   `validation` if there are more than `MOST_RECIPIENTS`
   */
  async all(audience: Audience): Promise<Recipient[]> {
    const { contacts, next } = await this.page({ ...audience, limit: MOST_RECIPIENTS });
    if (next) throw misaddressed('segmentId', `More than ${MOST_RECIPIENTS} contacts: create a campaign instead`);
    if (audience.assignee && contacts.length === 0) {
      throw new Problem('no-assigned-contacts', { detail: 'None of these contacts is assigned to you.' });
    }
    if (audience.contactIds && !audience.assignee) requireAll(audience.contactIds, contacts);
    return contacts;
  }

  page(wanted: RecipientsWanted) {
    return this.services.ask(contactsFor, wanted);
  }
}

export const misaddressed = (field: string, message: string) =>
  new Problem('validation', { errors: [{ field, message }] });

function requireAll(wanted: readonly string[], found: readonly Recipient[]): void {
  const known = new Set(found.map(({ id }) => id));
  const items = wanted.filter((id) => !known.has(id));
  if (items.length > 0) throw new Problem('unknown-reference', { detail: 'Name contacts of this account.', items });
}
