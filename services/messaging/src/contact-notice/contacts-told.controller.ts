import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers } from '#libs/broker';
import { contactsTold, type ContactsToldCounts } from '#libs/contracts';

/** Counts the contacts that a departure has told. */
@Controller()
export class ContactsToldController {
  constructor(private readonly em: EntityManager) {}

  @Answers(contactsTold)
  async count({ accountId, departureId }: { accountId: string; departureId: string }): Promise<ContactsToldCounts> {
    const { rows } = await sql<ContactsToldCounts>`
      select count(*) filter (where status <> 'skipped')::int as total, count(*) filter (where status = 'sent')::int as sent,
        count(*) filter (where status = 'failed')::int as failed, count(*) filter (where status = 'cancelled')::int as cancelled
      from contact_notice where departure_id = ${departureId} and account_id = ${accountId}`.execute(
      this.em.getKysely(),
    );
    return rows[0]!;
  }
}
