import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type PreviewBlocker } from '#libs/contracts';
import { sql } from 'kysely';
import type { UserRow } from '../../../user/user-rows.js';

/** The conditions under which a user cannot hand rows over. */
@Injectable()
export class ReassignmentGuards {
  constructor(private readonly em: EntityManager) {}

  /** Everything that stands in the way, in the order in which a refusal would name it. */
  async blockers(user: UserRow): Promise<PreviewBlocker[]> {
    return [wrongState(user), await this.openDeparture(user)].filter((one) => one !== undefined);
  }

  /** @throws Problem with the code of the first blocker */
  async assertAllowed(user: UserRow): Promise<void> {
    const [first] = await this.blockers(user);
    if (first)
      throw new Problem(first.code, { detail: first.detail, ...(first.items.length > 0 && { items: first.items }) });
  }

  /**
   * The reassignment would supersede it: what a reactivation has not restored yet, or an earlier reassignment has not handed
   * over, would stay as it is. A failed reassignment does not stand in the way, because nothing else ends it.
   */
  private async openDeparture({ id }: UserRow): Promise<PreviewBlocker | undefined> {
    const { rows } = await sql<{ id: string }>`
      select id from departure
      where user_id = ${id} and lifecycle_version is not null
        and (status = 'running' or status = 'failed' and transition <> 'reassigned')`.execute(this.em.getKysely());
    if (rows.length === 0) return undefined;
    const detail = 'An earlier decision about this user is not complete. Wait until it is, or retry it.';
    return { code: 'conflict', detail, items: rows.map((row) => row.id) };
  }
}

const DETAILS = {
  invited: 'The user has not accepted the invitation yet.',
  deactivated: 'The user is deactivated: what is theirs has been handled by that departure.',
  deleted: 'The user is deleted.',
};

const wrongState = ({ status }: UserRow): PreviewBlocker | undefined =>
  status === 'active' ? undefined : { code: 'conflict', detail: DETAILS[status], items: [] };
