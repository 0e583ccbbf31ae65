import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Log, safeErrorFields } from '#libs/observability';
import { sql } from 'kysely';
import { setTimeout as pause } from 'node:timers/promises';
import { lockAccount } from '../../../common/account-lock.js';
import { UserRows } from '../../../user/user-rows.js';
import { planOf, Planner } from '../../plan/planner.js';
import { resolvedPolicy } from '../../plan/preflight.js';
import { Decisions } from '../decisions.js';
import { ForgottenVersions } from '../onboarding/forgotten-versions.js';
import { ErasureLedger, type KnownErasure } from './erasure-ledger.js';

const BATCH_SIZE = 200;
const MAX_ATTEMPTS = 30;
const RETRY_DELAY_MS = 1_000;

/**
 * Deletes users again whom a restored backup has revived: the ledger knows their deletion, and the database does not. It
 * runs before the service answers calls and before its workers start, so nobody sees these users or signs in as one. A
 * ledger that cannot be read prevents the start.
 */
@Injectable()
export class RevivedUsers implements OnModuleInit {
  constructor(
    private readonly em: EntityManager,
    private readonly ledger: ErasureLedger,
    private readonly users: UserRows,
    private readonly versions: ForgottenVersions,
    private readonly planner: Planner,
    private readonly decisions: Decisions,
    private readonly log: Log,
  ) {}

  async onModuleInit(): Promise<void> {
    const known = await this.read();
    await this.ledger.recordAgain(known);
    const revived = await this.revived(known);
    const authentic = revived.filter((one) => one.authentic);
    const unknown = revived.length - authentic.length;
    if (unknown > 0)
      this.log.error(
        { users: unknown },
        'deletions in the ledger were recorded with another secret and are not repeated',
      );
    if (authentic.length === 0) return;
    this.log.warn(
      { users: authentic.length },
      'deleted users are in the database, which was restored: deleting them again',
    );
    for (const [accountId, erasures] of Map.groupBy(authentic, (one) => one.accountId))
      for (let from = 0; from < erasures.length; from += BATCH_SIZE)
        await this.deleteAgain(accountId, erasures.slice(from, from + BATCH_SIZE));
  }

  /** Waits for the broker for a while, as the connection to it does. @throws Error when the ledger cannot be read */
  private async read(): Promise<KnownErasure[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.ledger.all();
      } catch (error) {
        this.log.warn({ attempt, ...safeErrorFields(error) }, 'the ledger of deletions cannot be read');
        if (attempt === MAX_ATTEMPTS) throw error;
        await pause(RETRY_DELAY_MS);
      }
    }
  }

  /** Those of the users whom the database does not show as deleted. */
  private async revived(erasures: readonly KnownErasure[]): Promise<KnownErasure[]> {
    if (erasures.length === 0) return [];
    const { rows } = await sql<{ id: string; account_id: string }>`
      select u.id, u.account_id from unnest(${erasures.map((one) => one.userId)}::uuid[]) as n (id)
      join users u on u.id = n.id where u.status <> 'deleted'`.execute(this.em.fork().getKysely());
    const accounts = new Map(rows.map((row) => [row.id, row.account_id]));
    return erasures.filter((one) => accounts.get(one.userId) === one.accountId);
  }

  /** The guards are not asked: they had allowed the deletion, and it has been carried out. */
  private async deleteAgain(accountId: string, erasures: readonly KnownErasure[]): Promise<void> {
    const ids = erasures.map((one) => one.userId);
    // Other services know the deletion under this version and would ignore an older one.
    await this.versions.raise(erasures);
    await RequestContext.create(this.em, () =>
      this.em.transactional(async () => {
        await lockAccount(this.em, accountId);
        await this.users.lock(ids, 'leave');
        const basis = await this.planner.basis(accountId);
        // Another replica may have been faster.
        const users = (await this.users.byIds(ids)).filter((user) => user.status !== 'deleted');
        const decisions = users.map((user) => ({ user, policy: resolvedPolicy(planOf(basis, user, 'deleted')) }));
        if (decisions.length > 0) await this.decisions.apply('deleted', decisions, null, { system: 'restore' });
      }),
    );
  }
}
