import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { UserCounts, UserStatus } from '#libs/contracts';
import { sql } from 'kysely';

/** Counts the users of an account. */
@Injectable()
export class AccountCounts {
  constructor(private readonly em: EntityManager) {}

  async of(accountId: string): Promise<UserCounts> {
    const { rows } = await sql<{ status: UserStatus | 'leaving'; count: number }>`
      select u.status, count(*)::int as count from users u where u.account_id = ${accountId} group by u.status
      union all
      select 'leaving', count(*)::int from departure d
      where d.account_id = ${accountId} and d.status in ('scheduled', 'awaiting-approval')`.execute(
      this.em.getKysely(),
    );
    const counts: UserCounts = { active: 0, invited: 0, leaving: 0, deactivated: 0, deleted: 0 };
    for (const { status, count } of rows) counts[status] = count;
    return counts;
  }
}
