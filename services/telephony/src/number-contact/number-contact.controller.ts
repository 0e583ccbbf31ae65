import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { Handles } from '#libs/broker';
import {
  mayAll,
  numberContacts,
  numberContactsAdd,
  Problem,
  RIGHTS,
  whoMay,
  type AnswerOf,
  type Call,
  type CallOf,
} from '#libs/contracts';
import { Clock, pageWindow, toPage } from '#libs/database';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { addContacts } from './number-contacts.js';

/** The contacts that move with a number when its user changes. */
@Controller()
export class NumberContactController {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  @Handles(numberContacts)
  async list(call: CallOf<typeof numberContacts>): Promise<AnswerOf<typeof numberContacts>> {
    const number = await this.number(call);
    requireMay('contacts.list', number, call);
    const { limit, before } = pageWindow(call.query);
    const { rows } = await sql<{ id: string; created_at: string }>`
      select contact_id as id, created_at from number_contact
      where number_id = ${number.id} ${before ? sql`and contact_id < ${before}` : sql``}
      order by contact_id desc limit ${limit + 1}`.execute(this.em.getKysely());
    const page = toPage(rows, call.query);
    const items = page.items.map(({ id, created_at: at }) => ({
      contactId: id,
      createdAt: new Date(at).toISOString(),
    }));
    return { ...page, items };
  }

  @Handles(numberContactsAdd)
  async add(call: CallOf<typeof numberContactsAdd>): Promise<AnswerOf<typeof numberContactsAdd>> {
    const number = await this.number(call);
    const { body } = call;
    if (number.state !== 'assigned') throw new Problem('conflict', { detail: 'This number is not in use.' });
    requireMay('contacts.add', number, call);
    return { added: await addContacts(this.em.getKysely(), number, body.contactIds, this.clock.now()) };
  }

  private async number({ principal, params }: Pick<Call, 'principal' | 'params'>): Promise<PhoneNumberRow> {
    const number = await this.em.findOne(PhoneNumber, { id: params.id, accountId: principal.accountId });
    if (!number) throw new Problem('not-found');
    return number;
  }
}

/**
 * The contacts of a personal number are those its users are in touch with.
 * @throws Problem `forbidden`
 */
function requireMay(verb: string, number: PhoneNumberRow, { principal }: Pick<Call, 'principal'>): void {
  const who = whoMay(RIGHTS.numbers, verb);
  const own = [number.ownerId, number.destinationUserId].includes(principal.userId);
  if (mayAll(who, principal) || (who.includes('own') && own) || (who.includes('team') && number.kind === 'shared'))
    return;
  throw new Problem('forbidden', { detail: 'This personal number belongs to another user.' });
}
