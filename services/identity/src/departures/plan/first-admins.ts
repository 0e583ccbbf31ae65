import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureTransition } from '#libs/contracts';
import { firstAdmins } from '#libs/lifecycle';
import type { UserRow } from '../../user/user-rows.js';

/** Finds the first admins of accounts. Previews show them, and events name them, because the directories of services can be behind. */
@Injectable()
export class FirstAdmins {
  constructor(private readonly em: EntityManager) {}

  /** By account. @param leavers users who are never the first admin */
  async of(accountIds: readonly string[], leavers: readonly string[]): Promise<Map<string, string>> {
    if (accountIds.length === 0) return new Map();
    const rows = await firstAdmins(this.em.getKysely(), [...new Set(accountIds)], leavers);
    return new Map(rows.map((row) => [row.account_id, row.user_id]));
  }

  /** Who is the first admin when this user has left; null if nobody is. */
  async ofUser({ account_id: accountId, id }: Pick<UserRow, 'account_id' | 'id'>): Promise<string | null> {
    return (await this.of([accountId], [id])).get(accountId) ?? null;
  }
}

/** Whether the events of these decisions name the first admin. */
export const namesFirstAdmin = (transition: DepartureTransition): boolean =>
  transition === 'deactivated' || transition === 'deleted';
