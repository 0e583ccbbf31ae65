import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { inboxes, Problem, type Principal } from '#libs/contracts';
import { Ids } from '#libs/database';
import { sql } from 'kysely';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { Guards } from '../../plan/guards/guards.js';

/** The shared inboxes that conversions leave behind: which inbox it is, and who its members may be. */
@Injectable()
export class SharedInboxes {
  constructor(
    private readonly em: EntityManager,
    private readonly catalogue: Catalogue,
    private readonly services: ServiceClient,
    private readonly guards: Guards,
    private readonly ids: Ids,
  ) {}

  /**
   * The inbox with the leaver's messages: the oldest of their own, as messaging has it. A leaver without one leaves an empty
   * inbox behind, under a new id. It asks other services, so it comes before a transaction.
   * @throws Problem `service-unavailable`
   */
  async idFor(principal: Principal, ownerId: string): Promise<string> {
    if (!(await this.catalogue.otherServices()).includes(inboxes.list.service)) return this.ids.next();
    const { items } = await this.services.call(inboxes.list, { principal, query: { ownerId, limit: 200 } });
    return items.at(-1)?.id ?? this.ids.next();
  }

  /**
   * Keeps the members from leaving until the transaction ends.
   * @throws Problem `unknown-user` or `inactive-user`, naming them
   */
  async lockMembers(accountId: string, memberIds: readonly string[]): Promise<void> {
    const active = await this.guards.lockActive(accountId, memberIds);
    const others = memberIds.filter((id) => !active.has(id));
    if (others.length === 0) return;
    const { rows } = await sql<{ id: string }>`
      select id from users where account_id = ${accountId} and id = any(${others}::uuid[])`.execute(
      this.em.getKysely(),
    );
    const known = new Set(rows.map((row) => row.id));
    const unknown = others.filter((id) => !known.has(id));
    if (unknown.length > 0)
      throw new Problem('unknown-user', { detail: 'Name users of this account.', items: unknown });
    throw new Problem('inactive-user', { detail: 'Name active users.', items: others });
  }
}
