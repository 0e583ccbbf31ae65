import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  Problem,
  type ApiToken,
  type CreatedApiToken,
  type ListQuery,
  type Page,
  type Principal,
  type Role,
} from '#libs/contracts';
import { Clock, Ids, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { LAST_USED_PRECISION_MS, ProgramTokens, toToken, type TokenRow } from '../common/program-tokens.js';
import { Actors } from '../user/actors.js';

export const API_TOKEN_PREFIX = 'lvr_';
const tokens = new ProgramTokens(API_TOKEN_PREFIX);

interface KnownToken {
  user_id: string;
  account_id: string;
  hash: Buffer;
  last_used_at: string | null;
  roles: Role[];
}

/** Personal tokens for programs: `lvr_<id>_<secret>`, valid until revoked or the user leaves. */
@Injectable()
export class ApiTokens {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async create(principal: Principal, name: string): Promise<CreatedApiToken> {
    const { accountId, userId } = principal;
    await this.actors.rolesOf(principal);
    const { row, hash, token } = tokens.make(this.ids, this.clock, name);
    await sql`
      insert into api_token (id, user_id, name, hash, created_at)
      values (${row.id}, ${userId}, ${row.name}, ${hash}, ${row.created_at})`.execute(this.db);
    await this.audit.append([
      { accountId, action: 'api-token.created', actorId: userId, subjectId: userId, detail: { tokenId: row.id } },
    ]);
    return { ...toToken(row), token };
  }

  async page(userId: string, query: ListQuery): Promise<Page<ApiToken>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<TokenRow>`
      select id, name, created_at, last_used_at from api_token
      where user_id = ${userId} and revoked_at is null and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(this.db);
    return toPage(rows.map(toToken), query);
  }

  /** @throws Problem `not-found`, also for a token of another user */
  async revoke({ accountId, userId }: Principal, tokenId: string): Promise<void> {
    const { rows } = await sql`
      update api_token set revoked = true, revoked_at = ${this.clock.now()}
      where id = ${tokenId} and user_id = ${userId} and revoked_at is null returning id`.execute(this.db);
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such token.' });
    await this.audit.append([
      { accountId, action: 'api-token.revoked', actorId: userId, subjectId: userId, detail: { tokenId } },
    ]);
  }

  /** Revokes all tokens of these users. */
  async revokeAll(userIds: readonly string[]): Promise<void> {
    await sql`
      update api_token set revoked = true, revoked_at = ${this.clock.now()}
      where user_id = any(${[...userIds]}::uuid[]) and not revoked`.execute(this.db);
  }

  /** Returns the owner of the token; null if it is invalid, or its owner is not active. */
  async authenticate(token: string): Promise<Principal | null> {
    const given = tokens.read(token);
    if (!given) return null;
    const { rows } = await sql<KnownToken>`
      select t.user_id, t.hash, t.last_used_at, u.account_id,
        array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles
      from api_token t join users u on u.id = t.user_id
      where t.id = ${given.id} and t.revoked_at is null and u.status = 'active'`.execute(this.db);
    const [known] = rows;
    if (!known || !given.isOf(known.hash)) return null;
    await this.touch(given.id, known.last_used_at);
    return { accountId: known.account_id, userId: known.user_id, roles: known.roles };
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
