import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Role } from '#libs/contracts';
import { sql } from 'kysely';

/** The owners and admins who could approve something. */
@Injectable()
export class Approvers {
  constructor(private readonly em: EntityManager) {}

  /** @param owners only owners may approve it */
  async exist(
    accountId: string,
    { without, owners = false }: { without: readonly string[]; owners?: boolean },
  ): Promise<boolean> {
    const roles: Role[] = owners ? ['owner'] : ['owner', 'admin'];
    const { rows } = await sql`
      select from users u
      where u.account_id = ${accountId} and u.status = 'active' and u.suspended_at is null
        and u.id <> all(${[...without]}::uuid[])
        and exists (select from user_role r where r.user_id = u.id and r.role = any(${roles}::text[]))
      limit 1`.execute(this.em.getKysely());
    return rows.length > 0;
  }
}
