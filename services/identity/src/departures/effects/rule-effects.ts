import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ApplyLocally } from '#libs/lifecycle';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../audit/audit.js';
import { RequesterDepartures } from '../store/scheduled/requester-departures.js';

const SYSTEM = { system: 'departure' };

/** What the rules write in addition to their rows. */
export interface IdentityEffects {
  tokensRevoked: ApplyLocally;
  departuresCancelled: ApplyLocally;
  departuresTransferred: ApplyLocally;
}

/** Writes what identity's rules write in addition to their rows, and records what goes on after a departure. */
@Injectable()
export class RuleEffects implements IdentityEffects {
  readonly departuresCancelled: ApplyLocally;
  readonly departuresTransferred: ApplyLocally;

  constructor(
    private readonly em: EntityManager,
    private readonly audit: Audit,
    private readonly requested: RequesterDepartures,
  ) {
    this.departuresCancelled = requested.cancelled;
    this.departuresTransferred = requested.transferred;
  }

  readonly tokensRevoked: ApplyLocally = async (_db, tokenIds) => {
    await this.recordTokens(sql`id = any(${[...tokenIds]}::uuid[])`, 'scim-token.revoked');
  };

  /** Call it after the rules have been applied: what is still there goes on although these users have left. */
  async recordKept(userIds: readonly string[]): Promise<void> {
    await this.recordTokens(sql`created_by = any(${[...userIds]}::uuid[])`, 'scim-token.creator-left');
    await this.requested.recordKept(userIds);
  }

  private async recordTokens(which: ReturnType<typeof sql>, action: string): Promise<void> {
    const { rows } = await sql<{ id: string; account_id: string; created_by: string }>`
      select id, account_id, created_by from scim_token where ${which} order by id`.execute(this.em.getKysely());
    await this.audit.append(
      rows.map(({ id: tokenId, account_id: accountId, created_by: createdBy }): NewEntry => ({
        ...{ accountId, action, ...SYSTEM },
        detail: { tokenId, createdBy },
      })),
    );
  }
}
