import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  NOBODY,
  Problem,
  SCIM_TOKEN_PREFIX,
  SCIM_TOKENS_AT_ONCE,
  type CreatedScimToken,
  type ListQuery,
  type Page,
  type Principal,
  type ScimToken,
} from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../common/account-lock.js';
import { actorOf, Audit } from '../audit/audit.js';
import { LAST_USED_PRECISION_MS, ProgramTokens, toToken, type TokenRow } from '../common/program-tokens.js';
import { Actors } from '../user/actors.js';

const tokens = new ProgramTokens(SCIM_TOKEN_PREFIX);

interface ScimTokenRow extends TokenRow {
  created_by: string | null;
}

/**
 * An account's tokens for identity providers: `lvrscim_<id>_<secret>`. They are valid until revoked: by a manager, or when
 * their creator leaves, unless the policy keeps them.
 */
@Injectable()
export class ScimTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly audit: Audit,
    private readonly directory: Directory,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws Problem `forbidden`; `conflict` if the account has two tokens already */
  async create(principal: Principal, name: string): Promise<CreatedScimToken> {
    const { accountId } = principal;
    await lockAccount(this.em, accountId);
    await this.actors.requireManager(principal);
    const { rows: existing } = await sql`select id from scim_token where account_id = ${accountId}`.execute(this.db);
    if (existing.length >= SCIM_TOKENS_AT_ONCE)
      throw new Problem('conflict', { detail: 'The account has two SCIM tokens. Revoke the one not in use.' });
    const { row, hash, token } = tokens.make(this.ids, this.clock, name);
    await sql`
      insert into scim_token (id, account_id, created_by, name, hash, created_at)
      values (${row.id}, ${accountId}, ${principal.userId}, ${row.name}, ${hash}, ${row.created_at})`.execute(this.db);
    await this.record(principal, 'scim-token.created', row.id);
    const [shown] = await this.present([{ ...row, created_by: principal.userId }]);
    return { ...shown!, token };
  }

  async page(accountId: string, query: ListQuery): Promise<Page<ScimToken>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<ScimTokenRow>`
      select id, created_by, name, created_at, last_used_at from scim_token
      where account_id = ${accountId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(this.db);
    const { items, nextCursor } = toPage(rows, query);
    return { items: await this.present(items), nextCursor };
  }

  /** @throws Problem `forbidden`; `not-found`, also for a token of another account */
  async revoke(principal: Principal, tokenId: string): Promise<void> {
    await this.actors.requireManager(principal);
    const { rows } = await sql`
      delete from scim_token where id = ${tokenId} and account_id = ${principal.accountId} returning id`.execute(
      this.db,
    );
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such token.' });
    await this.record(principal, 'scim-token.revoked', tokenId);
  }

  /**
   * Returns the account's identity provider, which has the rights of an owner, and records the use of the token.
   * @throws Problem `unauthenticated`
   */
  async authenticate(token: string): Promise<Principal> {
    const principal = await this.principalOf(token);
    await this.touch(tokens.read(token)!.id);
    return principal;
  }

  /**
   * Same for a preparation. Writes nothing, so it does not count as a use of the token.
   * @throws Problem `unauthenticated`
   */
  async principalOf(token: string): Promise<Principal> {
    const given = tokens.read(token);
    if (!given) throw new Problem('unauthenticated');
    const { rows } = await sql<{ account_id: string; hash: Buffer }>`
      select account_id, hash from scim_token where id = ${given.id}`.execute(this.db);
    const [known] = rows;
    if (!known || !given.isOf(known.hash)) throw new Problem('unauthenticated');
    return { accountId: known.account_id, userId: NOBODY.userId, roles: ['owner'], system: 'scim' };
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

  private record(principal: Principal, action: string, tokenId: string): Promise<void> {
    return this.audit.append([{ accountId: principal.accountId, action, ...actorOf(principal), detail: { tokenId } }]);
  }

  private get db() {
    return this.em.getKysely();
  }
}
