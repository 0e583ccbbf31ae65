import { EntityManager, type FilterQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { contactsFor, Problem, type Recipient, type RecipientsWanted } from '#libs/contracts';
import { Segment } from '../segment/segment.entity.js';
import { Contact, type ContactRow } from './contact.entity.js';

/** Contact fields that a segment's definition can test. */
const FIELDS = ['externalId', 'name', 'phone', 'email', 'assignee'];

interface Recipients {
  contacts: Recipient[];
  next: string | null;
  definition: Record<string, unknown> | null;
}

/** Resolves contact ids and segments to recipients of messages. */
@Controller()
export class RecipientsController {
  constructor(private readonly em: EntityManager) {}

  @Answers(contactsFor)
  async find(wanted: RecipientsWanted): Promise<Recipients> {
    const { accountId, contactIds, assignee, after, limit } = wanted;
    const definition = await this.definitionOf(wanted);
    const conditions: object[] = [{ accountId }];
    if (contactIds) conditions.push({ id: { $in: contactIds } });
    if (definition) conditions.push(...definedBy(definition));
    if (assignee) conditions.push({ assignee });
    if (after) conditions.push({ id: { $gt: after } });
    const where = { $and: conditions } as FilterQuery<ContactRow>;
    const rows = await this.em.find(Contact, where, { orderBy: { id: 'asc' }, limit: limit + 1 });
    const contacts = rows.slice(0, limit).map(asRecipient);
    return { contacts, next: rows.length > limit ? contacts.at(-1)!.id : null, definition };
  }

  private async definitionOf(wanted: RecipientsWanted): Promise<Recipients['definition']> {
    const { accountId, segmentId, definition } = wanted;
    if (!segmentId) return definition ?? null;
    const segment = await this.em.findOne(Segment, { id: segmentId, accountId });
    if (!segment)
      throw new Problem('unknown-reference', { detail: 'Name a segment of this account.', items: [segmentId] });
    return segment.definition;
  }
}

/**
 * Each field must have the value, or one of the values, that the definition gives. An empty definition matches all
 * contacts. An unknown field or an unsupported value matches none: no message is better than one to the wrong people.
 */
function definedBy(definition: Record<string, unknown>): object[] {
  return Object.entries(definition).map(([field, value]) => {
    const values = [value].flat();
    const fits = FIELDS.includes(field) && values.every((one) => one === null || typeof one === 'string');
    return fits ? { $or: values.map((one) => ({ [field]: one })) } : { id: { $in: [] } };
  });
}

const asRecipient = ({ id, phone, assignee }: ContactRow): Recipient => ({
  id,
  phone: phone ?? null,
  assigneeId: assignee ?? null,
});
