import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type InvitationQuery, type Page, type Role, type SentInvitation } from '#libs/contracts';
import { Clock, Directory, pageWindow, toPage } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { isoOf } from '../common/moments.js';

/** The latest invitation of a user who is still invited. */
export interface SentInvitationRow {
  id: string;
  user_id: string;
  email: string;
  invited_by: string | null;
  created_at: string;
  expires_at: string;
  status: SentInvitation['status'];
  seat_taken: boolean;
  roles: Role[];
}

/** Reads the invitations that have not been accepted: the latest one of each invited user. */
@Injectable()
export class SentInvitations {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws Problem `not-found`, also for an invitation of another account; `gone` for one that was accepted or sent again, or
   *   whose user has left
   */
  async get(accountId: string, id: string): Promise<SentInvitationRow> {
    const [row] = await this.select(accountId, sql`i.id = ${id}`);
    if (row) return row;
    const { rows } = await sql`
      select from invitation i join users u on u.id = i.user_id where i.id = ${id} and u.account_id = ${accountId}`.execute(
      this.em.getKysely(),
    );
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such invitation.' });
    throw new Problem('gone', { detail: 'This invitation has been accepted or sent again, or the user has left.' });
  }

  /** @param userId the id of a user who is invited */
  async viewOfUser(accountId: string, userId: string): Promise<SentInvitation> {
    const [view] = await this.views(await this.select(accountId, sql`u.id = ${userId}`));
    return view!;
  }

  async view(accountId: string, id: string): Promise<SentInvitation> {
    const [view] = await this.views([await this.get(accountId, id)]);
    return view!;
  }

  async page(accountId: string, query: InvitationQuery): Promise<Page<SentInvitation>> {
    const { limit, before } = pageWindow(query);
    const { status = 'open' } = query;
    const which = sql`
      (${before}::uuid is null or i.id < ${before}::uuid) and (${status} = 'all' or ${this.status()} = ${status})
      order by i.id desc limit ${limit + 1}`;
    return toPage(await this.views(await this.select(accountId, which)), query);
  }

  private async views(rows: readonly SentInvitationRow[]): Promise<SentInvitation[]> {
    const people = await this.directory.views(rows.flatMap((row) => [row.user_id, row.invited_by]));
    return rows.map((row) => ({
      id: row.id,
      user: people.get(row.user_id)!,
      email: row.email,
      invitedBy: people.get(row.invited_by ?? '') ?? null,
      status: row.status,
      createdAt: isoOf(row.created_at),
      expiresAt: isoOf(row.expires_at),
    }));
  }

  private async select(accountId: string, which: RawBuilder<unknown>): Promise<SentInvitationRow[]> {
    const { rows } = await sql<SentInvitationRow>`
      select i.id, i.user_id, u.email, i.invited_by, i.created_at, i.expires_at, ${this.status()} as status, u.seat_taken,
        array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles
      from users u join lateral (
        select * from invitation n where n.user_id = u.id order by n.id desc limit 1) i on i.accepted_at is null
      where u.account_id = ${accountId} and u.status = 'invited' and ${which}`.execute(this.em.getKysely());
    return rows;
  }

  private status(): RawBuilder<string> {
    return sql`case when i.revoked then 'revoked' when i.expires_at > ${this.clock.now()} then 'open' else 'expired' end`;
  }
}
