import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureFacts, UserEvent } from '#libs/contracts';
import { UserEvents } from '../../user/user-events.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { UserStream } from '../../user/user-stream.js';
import { DepartureQueries } from '../store/departure-queries.js';
import type { DepartureRow } from '../store/departure-row.js';

/**
 * What stays in the stream about a deleted user: the decision, without personal detail, for subscribers that were offline.
 * Services with rules have applied the decision and skip its tombstone.
 */
@Injectable()
export class Tombstones {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureQueries,
    private readonly users: UserRows,
    private readonly events: UserEvents,
    private readonly stream: UserStream,
  ) {}

  /** Replaces the users' events in the stream. May be repeated. @param ids of completed deletions */
  async leave(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const tombstones = await this.em.fork().transactional(async () => this.of(await this.departures.byIds(ids)));
    await this.stream.replace(tombstones, messageId);
  }

  /** Runs in the caller's transaction. */
  async of(deletions: readonly DepartureRow[]): Promise<UserEvent[]> {
    const users = await this.users.byIds(deletions.map((departure) => departure.user_id));
    const byId = new Map(users.map((user) => [user.id, user]));
    return deletions.map((departure) => this.tombstone(byId.get(departure.user_id)!, departure));
  }

  private tombstone(user: UserRow, departure: DepartureRow): UserEvent {
    const { id, steps, active_since: activeSince, was_manager: wasManager, policy, round, seq } = departure;
    const facts: DepartureFacts = { id, steps, activeSince, wasManager, policy, round };
    const { traceparent: _, ...event } = this.events.userEvent({ ...user, seq, team_ids: [] }, 'user.deleted', facts);
    return {
      ...event,
      // The same for a repetition, and different from that of `departure.completed`.
      id: `${id}.tombstone`,
      time: new Date(departure.begun_at ?? departure.effective_at).toISOString(),
      tombstone: true,
    };
  }
}

/** A new round replaces the tombstone of the one before. */
const messageId = ({ id, data }: UserEvent): string => `${id}.${data.departure!.round}`;
