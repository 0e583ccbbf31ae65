import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN } from '#libs/broker';
import {
  isManager,
  MAX_TOKEN_DAYS,
  NOBODY,
  Problem,
  SCIM_TOKEN_PREFIX,
  SCIM_TOKENS_AT_ONCE,
  type CreatedScimToken,
  type ListQuery,
  type NewScimToken,
  type Page,
  type Principal,
  type Role,
  type ScimToken,
  type UserStatus,
} from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../common/account-lock.js';
import { actorOf, Audit } from '../audit/audit.js';
import { LAST_USED_PRECISION_MS, ProgramTokens, toToken, type TokenRow } from '../common/program-tokens.js';
import { Proofs } from '../session/proofs.js';
import { Actors } from '../user/actors.js';
import type { Provider } from './provider.js';

const tokens = new ProgramTokens(SCIM_TOKEN_PREFIX, MAX_TOKEN_DAYS);
/** The audit trail gets one entry about the use of a token in this time. Providers poll, some every few seconds. */
const USE_RECORDED_EVERY_MS = 3_600_000;

interface ScimTokenRow extends TokenRow {
  created_by: string | null;
}

interface KnownToken {
  account_id: string;
  hash: Buffer;
  created_by: string | null;
  status: UserStatus | null;
  suspended: boolean;
  roles: Role[];
}

/**
 * An account's tokens for identity providers: `lvrscim_<id>_<secret>`. They are valid until they expire or are revoked: by an
 * owner, or when their creator leaves. If the policy keeps them then, they only offboard.
 */
@Injectable()
export class ScimTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly proofs: Proofs,
    private readonly audit: Audit,
    private readonly directory: Directory,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws Problem `forbidden`; `step-up-required`; `conflict` if the account has two valid tokens already */
  async create(principal: Principal, wanted: NewScimToken): Promise<CreatedScimToken> {
    const { accountId } = principal;
    await lockAccount(this.em, accountId);
    await this.actors.requireOwner(principal);
    await this.proofs.require(principal);
    const { rows: existing } = await sql`
      select id from scim_token where account_id = ${accountId} and expires_at > ${this.clock.now()}`.execute(this.db);
    if (existing.length >= SCIM_TOKENS_AT_ONCE)
      throw new Problem('conflict', { detail: 'The account has two SCIM tokens. Revoke the one not in use.' });
    const { row, hash, token } = tokens.make(this.ids, this.clock, wanted);
    await sql`
      insert into scim_token (id, account_id, created_by, name, hash, created_at, expires_at)
      values (${row.id}, ${accountId}, ${principal.userId}, ${row.name}, ${hash}, ${row.created_at}, ${row.expires_at})`.execute(
      this.db,
    );
    await this.record(principal, 'scim-token.created', { tokenId: row.id, expiresAt: row.expires_at });
    const [shown] = await this.present([{ ...row, created_by: principal.userId }]);
    return { ...shown!, token };
  }

  /** @throws Problem `forbidden` */
  async page(principal: Principal, query: ListQuery): Promise<Page<ScimToken>> {
    await this.actors.requireOwner(principal);
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<ScimTokenRow>`
      select id, created_by, name, created_at, last_used_at, expires_at from scim_token
      where account_id = ${principal.accountId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(this.db);
    const { items, nextCursor } = toPage(rows, query);
    return { items: await this.present(items), nextCursor };
  }

  /** @throws Problem `forbidden`; `not-found`, also for a token of another account */
  async revoke(principal: Principal, tokenId: string): Promise<void> {
    await this.actors.requireOwner(principal);
    const { rows } = await sql`
      delete from scim_token where id = ${tokenId} and account_id = ${principal.accountId} returning id`.execute(
      this.db,
    );
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such token.' });
    await this.record(principal, 'scim-token.revoked', { tokenId });
  }

  /**
   * Does the work of a request as the account's identity provider, and records the use of the token.
   * @throws Problem `unauthenticated`; what the work throws
   */
  async use<A>(token: string, work: (provider: Provider) => Promise<A>): Promise<A> {
    const provider = await this.providerOf(token);
    await this.touch(provider.tokenId);
    const answer = await work(provider);
    // Last, because entries lock the audit trail of the account.
    if (answer !== PREPARE_AGAIN) await this.recordUse(provider);
    return answer;
  }

  /**
   * Returns the account's identity provider, for a preparation. Writes nothing, so it does not count as a use of the token.
   * @throws Problem `unauthenticated`, also while the creator is suspended, or works here without managing users
   */
  async providerOf(token: string): Promise<Provider> {
    const given = tokens.read(token);
    if (!given) throw new Problem('unauthenticated');
    const { rows } = await sql<KnownToken>`
      select t.account_id, t.hash, t.created_by, u.status, u.suspended_at is not null as suspended,
        array(select r.role from user_role r where r.user_id = u.id) as roles
      from scim_token t left join users u on u.id = t.created_by
      where t.id = ${given.id} and t.expires_at > ${this.clock.now()}`.execute(this.db);
    const [known] = rows;
    if (!known || !given.isOf(known.hash)) throw new Problem('unauthenticated');
    const { account_id: accountId, created_by: createdBy, status, suspended } = known;
    if (status === 'active' && (suspended || !isManager(known))) throw new Problem('unauthenticated');
    return {
      accountId,
      userId: NOBODY.userId,
      roles: ['admin'],
      system: `scim:${given.id}`,
      tokenId: given.id,
      createdBy,
      onlyOffboards: status !== null && status !== 'active',
    };
  }

  private async present(rows: readonly ScimTokenRow[]): Promise<ScimToken[]> {
    const people = await this.directory.views(rows.map((row) => row.created_by));
    return rows.map((row) => {
      const createdBy = row.created_by ? people.get(row.created_by)! : null;
      const creatorHasLeft = createdBy?.status === 'deactivated' || createdBy?.status === 'deleted';
      return { ...toToken(row), createdBy, creatorHasLeft };
    });
  }

  /** Concurrent requests do not wait for each other: one of them writes the time. */
  private async touch(id: string): Promise<void> {
    const now = this.clock.now();
    await sql`
      update scim_token set last_used_at = ${now} where id in (
        select id from scim_token
        where id = ${id} and (last_used_at is null or last_used_at <= ${new Date(now.getTime() - LAST_USED_PRECISION_MS)})
        for update skip locked)`.execute(this.db);
  }

  private async recordUse(provider: Provider): Promise<void> {
    const now = this.clock.now();
    const before = new Date(now.getTime() - USE_RECORDED_EVERY_MS);
    const { rows } = await sql`
      update scim_token set use_recorded_at = ${now} where id in (
        select id from scim_token
        where id = ${provider.tokenId} and (use_recorded_at is null or use_recorded_at <= ${before})
        for update skip locked)
      returning id`.execute(this.db);
    if (rows.length > 0) await this.record(provider, 'scim-token.used', { tokenId: provider.tokenId });
  }

  private record(principal: Principal, action: string, detail: Record<string, unknown>): Promise<void> {
    return this.audit.append([{ accountId: principal.accountId, action, ...actorOf(principal), detail }]);
  }

  private get db() {
    return this.em.getKysely();
  }
}
