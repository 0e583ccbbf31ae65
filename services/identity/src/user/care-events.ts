import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { UserEvents } from './user-events.js';

/** Tells of care that begins or ends because the caretaker leaves or returns: it is in the profile of the one cared for. */
@Injectable()
export class CareEvents {
  constructor(
    private readonly em: EntityManager,
    private readonly events: UserEvents,
  ) {}

  /** Who is in the care of these people now. */
  async caredForBy(userIds: readonly string[]): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from users where caretaker_id = any(${[...userIds]}::uuid[]) and status <> 'deleted'`.execute(
      this.em.getKysely(),
    );
    return rows.map((row) => row.id);
  }

  /** @param before who was in their care before */
  async publishChanged(userIds: readonly string[], before: readonly string[]): Promise<void> {
    const now = await this.caredForBy(userIds);
    const ended = before.filter((id) => !now.includes(id));
    const begun = now.filter((id) => !before.includes(id));
    await this.events.publishChanged([...ended, ...begun]);
  }
}
