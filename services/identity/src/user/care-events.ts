import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { UserEvents } from './user-events.js';

/**
 * Publishes users whose care starts or ends because their caretaker leaves or returns: their profile names the
 * caretaker.
 */
@Injectable()
export class CareEvents {
  constructor(
    private readonly em: EntityManager,
    private readonly events: UserEvents,
  ) {}

  /** Returns the ids of the users whose caretaker is one of these users. */
  async caredForBy(userIds: readonly string[]): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from users where caretaker_id = any(${[...userIds]}::uuid[]) and status <> 'deleted'`.execute(
      this.em.getKysely(),
    );
    return rows.map((row) => row.id);
  }

  /** @param before the result of `caredForBy` before the change */
  async publishChanged(userIds: readonly string[], before: readonly string[]): Promise<void> {
    const now = await this.caredForBy(userIds);
    const ended = before.filter((id) => !now.includes(id));
    const started = now.filter((id) => !before.includes(id));
    await this.events.publishChanged([...ended, ...started]);
  }
}
