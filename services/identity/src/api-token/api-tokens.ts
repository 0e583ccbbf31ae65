import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  DEFAULT_TOKEN_DAYS,
  Problem,
  SCOPES,
  type ApiToken,
  type CreatedApiToken,
  type ListQuery,
  type NewApiToken,
  type Page,
  type Principal,
  type Role,
  type Scope,
} from '#libs/contracts';
import { Clock, Ids, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import {
  LAST_USED_PRECISION_MS,
  ProgramTokens,
  toToken as toProgramToken,
  type TokenRow,
} from '../common/program-tokens.js';
import { Proofs } from '../session/proofs.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { UserRows } from '../user/user-rows.js';

export const API_TOKEN_PREFIX = 'lvr_';
const tokens = new ProgramTokens(API_TOKEN_PREFIX, DEFAULT_TOKEN_DAYS);

interface ApiTokenRow extends TokenRow {
  scopes: Scope[];
}

const toToken = (row: ApiTokenRow): ApiToken => ({ ...toProgramToken(row), scopes: row.scopes });

/** Whom an API token stands for. */
export interface ApiTokenOwner {
  apiTokenId: string;
  accountId: string;
  userId: string;
  roles: Role[];
  scopes: Scope[];
  epoch: number;
}

interface KnownToken {
  user_id: string;
  account_id: string;
  session_epoch: number;
  hash: Buffer;
  last_used_at: string | null;
  scopes: Scope[];
  roles: Role[];
}

/** Personal tokens for programs: `lvr_<id>_<secret>`, valid until they expire or are revoked, or the user leaves. */
@Injectable()
export class ApiTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly users: UserRows,
    private readonly proofs: Proofs,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws Problem `step-up-required` without a recent proof of identity; `validation` */
  async create(principal: Principal, wanted: NewApiToken): Promise<CreatedApiToken> {
    const { accountId, userId } = principal;
    await this.actors.rolesOf(principal);
    await this.proofs.require(principal);
    const made = tokens.make(this.ids, this.clock, wanted);
    const { hash, token } = made;
    const row = { ...made.row, scopes: SCOPES.filter((scope) => wanted.scopes.includes(scope)) };
    await sql`
      insert into api_token (id, user_id, name, scopes, hash, created_at, expires_at)
      values (${row.id}, ${userId}, ${row.name}, ${row.scopes}::text[], ${hash}, ${row.created_at}, ${row.expires_at})`.execute(
      this.db,
    );
    const detail = { tokenId: row.id, scopes: row.scopes, expiresAt: row.expires_at };
    await this.audit.append([{ accountId, action: 'api-token.created', actorId: userId, subjectId: userId, detail }]);
    return { ...toToken(row), token };
  }

  async page(userId: string, query: ListQuery): Promise<Page<ApiToken>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<ApiTokenRow>`
      select id, name, scopes, created_at, last_used_at, expires_at from api_token
      where user_id = ${userId} and revoked_at is null and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(this.db);
    return toPage(rows.map(toToken), query);
  }

  /**
   * Returns the tokens of a user for one of their managers.
   * @throws Problem `not-found`; `forbidden` unless the caller may manage the user
   */
  async pageOf(principal: Principal, userId: string, query: ListQuery): Promise<Page<ApiToken>> {
    await this.requireManagerOf(principal, userId);
    return this.page(userId, query);
  }

  /** @throws Problem `not-found`, also for a token of another user */
  revoke(principal: Principal, tokenId: string): Promise<void> {
    return this.end(principal, principal.userId, tokenId);
  }

  /** @throws Problem `not-found`; `forbidden` unless the caller may manage the user */
  async revokeOf(principal: Principal, userId: string, tokenId: string): Promise<void> {
    await this.requireManagerOf(principal, userId);
    await this.end(principal, userId, tokenId);
  }

  private async requireManagerOf(principal: Principal, userId: string): Promise<void> {
    const { roles } = await this.users.get(principal.accountId, userId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
  }

  private async end({ accountId, userId: actorId }: Principal, userId: string, tokenId: string): Promise<void> {
    const { rows } = await sql`
      update api_token set revoked = true, revoked_at = ${this.clock.now()}
      where id = ${tokenId} and user_id = ${userId} and revoked_at is null returning id`.execute(this.db);
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such token.' });
    await this.audit.append([
      { accountId, action: 'api-token.revoked', actorId, subjectId: userId, detail: { tokenId } },
    ]);
  }

  /** Revokes all tokens of these users. */
  async revokeAll(userIds: readonly string[]): Promise<void> {
    await sql`
      update api_token set revoked = true, revoked_at = ${this.clock.now()}
      where user_id = any(${[...userIds]}::uuid[]) and not revoked`.execute(this.db);
  }

  /** Returns what an access token for the owner has to say; null if the token is invalid or expired, or its owner not active or suspended. */
  async authenticate(token: string): Promise<ApiTokenOwner | null> {
    const given = tokens.read(token);
    if (!given) return null;
    const { rows } = await sql<KnownToken>`
      select t.user_id, t.hash, t.last_used_at, t.scopes, u.account_id, u.session_epoch,
        array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles
      from api_token t join users u on u.id = t.user_id
      where t.id = ${given.id} and t.revoked_at is null and t.expires_at > ${this.clock.now()} and u.status = 'active'
        and u.suspended_at is null`.execute(this.db);
    const [known] = rows;
    if (!known || !given.isOf(known.hash)) return null;
    await this.touch(given.id, known.last_used_at);
    return {
      apiTokenId: given.id,
      accountId: known.account_id,
      userId: known.user_id,
      roles: known.roles,
      scopes: known.scopes,
      epoch: known.session_epoch,
    };
  }

  private async touch(tokenId: string, lastUsedAt: string | null): Promise<void> {
    const now = this.clock.now();
    if (lastUsedAt && now.getTime() - Date.parse(lastUsedAt) < LAST_USED_PRECISION_MS) return;
    await sql`update api_token set last_used_at = ${now} where id = ${tokenId}`.execute(this.db);
  }

  private get db() {
    return this.em.getKysely();
  }
}
